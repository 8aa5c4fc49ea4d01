"""Numbers to uncertainty."""

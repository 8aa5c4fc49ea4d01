"""What several tests import; none of it is a test."""

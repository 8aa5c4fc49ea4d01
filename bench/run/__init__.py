"""The only code that starts the processes of detectors."""

"""The only code that starts processes of detectors; it prints no board and imports no command."""

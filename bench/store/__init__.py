"""What a row is and where it is kept."""

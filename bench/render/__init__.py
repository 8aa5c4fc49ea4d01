"""Values to text and pictures; computes nothing."""

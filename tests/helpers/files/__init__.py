"""Tables, repositories and stores that tests write to disk, or serve."""

"""The suites that come with the project, one file each."""

"""From a suite to the rows and jobs to run; runs nothing."""

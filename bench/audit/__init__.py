"""What a data set can say of detectors: one-number scores, what cheap baselines reach, copies."""

"""Claims about detectors to verdicts: pure functions of stored rows."""

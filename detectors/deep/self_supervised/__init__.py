"""Networks trained on a task made from the samples themselves."""

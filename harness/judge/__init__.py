"""Claims and a run in, findings out."""

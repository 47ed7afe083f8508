"""Documents held against claims and verdicts."""

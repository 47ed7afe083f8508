"""Every claim that one file can show, run from such files and held against our own verdicts."""

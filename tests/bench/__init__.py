"""The benchmark of `make bench`: figures of the harness beside the other ways to run checks."""

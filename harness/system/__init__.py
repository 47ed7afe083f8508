"""The machine: files, processes, signals, streams, and trying again."""

"""What an author of claims needs; nothing of it runs in a `verify`."""

"""What is claimed, and how it is written."""

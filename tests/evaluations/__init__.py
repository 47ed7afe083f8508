"""Exported questions in the tools that are to load them."""

"""Cells on nodes in, observations out."""

"""Runtimes in containers."""

"""Runtimes from Debian's packages, as trees."""

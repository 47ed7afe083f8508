"""Fixtures that several folders of unit tests use."""

from support.machine import fake_engine, installs, own_surroundings
from support.nights import files, judged, judged_next, shards, skills, stored_half

__all__ = [
    "fake_engine",
    "files",
    "installs",
    "judged",
    "judged_next",
    "own_surroundings",
    "shards",
    "skills",
    "stored_half",
]

"""How much a verb prints.

Knows: three degrees. Must not know: what is printed. Alone, so that options can be read before
anything that draws is loaded.
"""

from __future__ import annotations

from enum import IntEnum


class Verbosity(IntEnum):
    """Say how much is printed: totals alone, what is not confirmed and a line a skill, all."""

    QUIET = -1
    NORMAL = 0
    VERBOSE = 1

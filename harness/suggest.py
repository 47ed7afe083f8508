"""What a user probably meant.

Knows: words and how near they are. Must not know: what they name. No other module asks difflib.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

NEAR = 0.6
"""How alike (0 to 1) two words are that may be slips of each other."""


def closest(word: str, known: Iterable[str], *, alike: float = NEAR) -> str | None:
    """Return the closest known word, None where none is close.

    Args:
        word: what was written.
        known: what may have been meant.
        alike: how alike (0 to 1) they must be.
    """
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=alike)), None)


def did_you_mean(word: str, known: Iterable[str], *, alike: float = NEAR) -> str:
    """Return `; did you mean "x"?` for the closest known word, or nothing where none is close."""
    close = closest(word, known, alike=alike)
    return "" if close is None else f'; did you mean "{close}"?'

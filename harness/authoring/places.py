"""Where the sentences of a block stand in it, and on which lines of the document.

Knows: pieces of text with their places. Must not know: marks, what a sentence says.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from harness.authoring.prose import Piece
from harness.authoring.sentences import Span, spans


class Lines:
    """Find the line of a place in a piece."""

    def __init__(self, piece: Piece, first: int) -> None:
        self._plain = [at for at, _ in piece.places]
        self._raw = [at for _, at in piece.places]
        self._ends = piece.newlines
        self._source = piece.source
        self._first = first

    def at(self, place: int) -> int:
        """Return the line of a place, counted from 1."""
        return self._first + bisect_right(self._ends, self._in_source(place) - 1)

    def until(self, end: int) -> str:
        """Return the source's line as far as what ends there goes."""
        raw = self._in_source(end - 1) + 1
        before = bisect_right(self._ends, raw - 1)
        start = self._ends[before - 1] + 1 if before else 0
        return self._source[start:raw]

    def _in_source(self, place: int) -> int:
        index = bisect_right(self._plain, place) - 1
        if index < 0:
            return 0
        raw = self._raw[index] + place - self._plain[index]
        return min(raw, self._raw[index + 1]) if index + 1 < len(self._raw) else raw


_ENDED = re.compile(r"""[.!?][*"')\]\s]*$""")


def sentences_of(piece: Piece) -> Iterator[Span]:
    """Yield the sentences of a piece; a mark behind a full stop ends one as well."""
    shadow = piece.shadow
    cuts = [at for at, _ in piece.comments if _ENDED.search(shadow, max(0, at - 9), at)]
    start = 0
    for end in (*dict.fromkeys(cuts), len(shadow)):
        for first, last in spans(shadow[start:end]):
            yield start + first, start + last
        start = end

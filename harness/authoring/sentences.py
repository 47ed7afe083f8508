"""Where sentences end, and how two texts are compared whatever the keyboard they were typed on.

Knows: English punctuation, Markdown's signs of emphasis. Must not know: documents, claims.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]
"""From the first character to behind the last."""

_MARKS = re.compile(r"[*`]|(?<!\w)_(?=\S)|(?<=\S)_(?!\w)")
_END = re.compile(r"""[.!?][*"')\]\u201d\u2019`]*\s+(?=[*"'(\u201c\u2018`:]*[A-Z0-9]|`|\*\*)""")
_ABBREVIATION = re.compile(r"(?:\b(?:vs|e\.g|i\.e|etc|cf|ca|approx|incl|no|Dr|Mr)|\b[A-Z])\.$")
_LONGEST_ABBREVIATION = 8

# Typing differs between an author's keyboard and the document; the words do not.
_SAME = str.maketrans("\u201c\u201d\u2018\u2019\u2014\u2013\u00a0", "\"\"''-- ")


def plain(text: str) -> str:
    """Return a text in one line: single spaces, plain quotation marks and dashes."""
    return " ".join(text.translate(_SAME).split())


def fold(text: str) -> str:
    """Return the words alone: as `plain` does, without Markdown's signs of emphasis and code."""
    return plain(_MARKS.sub("", text))


def spans(text: str) -> Iterator[Span]:
    """Yield where each sentence stands, without the white space around it."""
    start = 0
    for end in _END.finditer(text):
        behind = end.start() + 1
        if _ABBREVIATION.search(text, max(start, behind - _LONGEST_ABBREVIATION), behind):
            continue
        yield from _trimmed(text, start, end.end())
        start = end.end()
    yield from _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end

"""Marks put behind the sentences of a document, which stays as it is otherwise.

Knows: the source's lines, sentences. Must not know: files, claims.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.authoring.page import Sentence

_LINE_END = re.compile(r"(\r\n?|\n)")


def with_marks(
    source: str, wanted: Iterable[tuple[Sentence, str]]
) -> tuple[str, tuple[Sentence, ...]]:
    """Put a mark behind each of some sentences.

    Args:
        source: the document's text, with its own line ends.
        wanted: sentences of that very text, each with its mark.

    Returns:
        The text, and the sentences whose end was not found in it.
    """
    lines = _LINE_END.split(source)  # each line end is a part of its own
    unplaced = []
    # The last first: a mark moves what stands behind it in its line.
    for sentence, mark in sorted(wanted, key=_place, reverse=True):
        index = 2 * (sentence.end_line - 1)
        line = lines[index] if index < len(lines) else ""
        at = _end_of(sentence, line)
        if at is None:
            unplaced.append(sentence)
        else:
            lines[index] = f"{line[:at]} {mark}{line[at:]}"
    return "".join(lines), tuple(reversed(unplaced))


def _place(wanted: tuple[Sentence, str]) -> tuple[int, int]:
    sentence, _ = wanted
    return sentence.end_line, len(sentence.tail or "")


def _end_of(sentence: Sentence, line: str) -> int | None:
    """Return where a sentence ends in its last line; of a table's row that is its last cell."""
    if sentence.tail is None:
        row = line.rstrip()
        return len(row.removesuffix("|").rstrip()) if row else None
    start = line.find(sentence.tail)
    return None if start < 0 else start + len(sentence.tail)

"""Which statements of the research document are proven by claims, and which by nobody.

Knows: quotes of a skill, sentences of a section. Must not know: evidence, verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.authoring.document import (
    Section,
    Sentence,
    folded_document,
    occurrences,
    read_section,
    section_numbers,
)
from harness.authoring.sentences import Span
from harness.claims.model import Skill
from harness.errors import InputError

LEEWAY_WORDS = 2
"""How many words beside filler a sentence may have left over and still count as covered."""

_WORD = re.compile(r"[^\W_][\w:./+'-]*")
_FILLER = frozenset(
    """a an and are as at be been before but by can cannot claim claims confuse could describe do
    does doesn't don't even every for from has have how if in into is isn't it its just like llm
    llms may most not of on only or other own recommend rather say should so state such suggest
    than that the their them these they this those to up via was were what when where which while
    who will with would yet""".split()  # noqa: SIM905  words read better than a column
)


class Status(StrEnum):
    """Say how much of a sentence is accounted for."""

    COVERED = "covered"
    PARTLY = "partly"
    UNTESTABLE = "untestable"
    UNCOVERED = "uncovered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """Hold words that a claim, a rival or an untestable entry takes from the document."""

    text: str
    by: str
    line: int
    untestable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Hold one sentence: what it is covered by (claim ids) and the words that nobody quotes."""

    part: str
    text: str
    line: int
    status: Status
    by: tuple[str, ...] = ()
    remainder: tuple[str, ...] = ()


def coverage(document_text: str, section: int, skill: Skill) -> tuple[Row, ...]:
    """Return a row for each statement of a section, in the order of the document.

    Raises:
        InputError: the document has no such section.
    """
    found = read_section(document_text, section)
    if found is None:
        numbers = ", ".join(map(str, section_numbers(document_text)))
        raise InputError(
            f"the document has no section {section}",
            hint=f"its sections: {numbers}" if numbers else "sections are headed ## 1. Title",
        )
    spans = [
        (span, quote) for quote in quotes(skill) for span in occurrences(quote.text, found.text)
    ]
    return tuple(_row(found, one, spans) for one in found.sentences if one.statement)


def strays(document_text: str, skill: Skill) -> tuple[Quoted, ...]:
    """Return the quotes that do not occur anywhere in the document."""
    whole = folded_document(document_text)
    return tuple(quote for quote in quotes(skill) if not occurrences(quote.text, whole))


def quotes(skill: Skill) -> Iterator[Quoted]:
    """Yield everything that a skill quotes."""
    for claim in skill.claims:
        for quote in claim.quotes:
            yield Quoted(text=quote.text, by=claim.id, line=claim.line)
        for rival in claim.rivals:
            for quote in rival.quotes:
                yield Quoted(text=quote.text, by=claim.id, line=rival.line)
    for one in skill.untestable:
        for text in one.quotes:
            yield Quoted(text=text, by="untestable", line=one.line, untestable=True)


def _row(section: Section, sentence: Sentence, spans: Sequence[tuple[Span, Quoted]]) -> Row:
    first, end = sentence.span
    hits = [(span, quote) for span, quote in spans if span[0] < end and span[1] > first]
    remainder = tuple(_remainder(section.text, sentence.span, [span for span, _ in hits]))
    left = sum(_content_words(fragment) for fragment in remainder)
    if not hits:
        status = Status.UNCOVERED
    elif left > LEEWAY_WORDS:
        status = Status.PARTLY
    elif all(quote.untestable for _, quote in hits):
        status = Status.UNTESTABLE
    else:
        status = Status.COVERED
    return Row(
        part=sentence.part,
        text=sentence.text,
        line=sentence.line,
        status=status,
        by=tuple(dict.fromkeys(quote.by for _, quote in hits)),
        remainder=remainder if hits else (),
    )


def _remainder(text: str, whole: Span, spans: Sequence[Span]) -> Iterator[str]:
    """Yield what no span covers, without punctuation at its ends; filler alone is no remainder."""
    at = whole[0]
    for start, end in sorted(spans):
        yield from _fragment(text[at : max(at, start)])
        at = max(at, end)
    yield from _fragment(text[at : whole[1]])


def _fragment(text: str) -> Iterator[str]:
    if _content_words(text):
        yield text.strip(" ,;:-()\"'.")


def _content_words(text: str) -> int:
    return sum(word.lower().rstrip(".'") not in _FILLER for word in _WORD.findall(text))

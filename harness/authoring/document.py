"""The research document: its sections, their parts and sentences, and where words occur in it.

Knows: the document's Markdown. Must not know: claims.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from harness.authoring.sentences import Span, fold, spans

_HEADING = re.compile(r"^##\s+(?P<number>\d+)\.\s+(?P<title>.+?)\s*$", re.MULTILINE)
_NEXT = re.compile(r"^(?:##\s|---\s*$)", re.MULTILINE)
_LABEL = re.compile(r"^\*\*(?P<label>[A-Z][^*:]{0,40}):\*\*[ \t]*", re.MULTILINE)
_ITEM = re.compile(r"^\s*[-*+]\s.*$", re.MULTILINE)
_ELLIPSIS = re.compile(r"\s*(?:…|\.\.\.)\s*")
_RATING = re.compile(r"(?:very )?(?:high|medium|low)(?:-(?:high|medium|low))?\.?", re.IGNORECASE)

_TOPICS = frozenset({"Description"})
"""Labels of what a section is about: headings in one line, which nobody can prove."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Hold one sentence without its marks, and its span in the folded text of the section.

    `raw` is the sentence with its marks, on one line.
    `statement` is False for what stands behind a label and states nothing: a rating ("High."), the
    topics of the section.
    """

    part: str
    text: str
    raw: str
    line: int
    span: Span
    statement: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Hold one section: its sentences in order and all of them as one folded text."""

    number: int
    title: str
    line: int
    sentences: tuple[Sentence, ...]
    text: str


def section_numbers(document: str) -> tuple[int, ...]:
    """Return the numbers of the sections in order."""
    return tuple(int(found["number"]) for found in _HEADING.finditer(document))


@lru_cache(maxsize=64)
def read_section(document: str, number: int) -> Section | None:
    """Return a section's statements, without its lists of links; None if there is no such one."""
    heading = next(
        (one for one in _HEADING.finditer(document) if int(one["number"]) == number), None
    )
    if heading is None:
        return None
    end = _NEXT.search(document, heading.end())
    body = document[heading.end() : end.start() if end else len(document)]
    first = document.count("\n", 0, heading.end()) + 1
    return _section(number, fold(heading["title"]), first, body)


@lru_cache(maxsize=8)
def read_whole(document: str) -> Section:
    """Return all statements of a document as one section, numbered 0: it need not have any."""
    return _section(0, "", 1, document)


def _section(number: int, title: str, line: int, body: str) -> Section:
    sentences: list[Sentence] = []
    at = 0
    for part, where, raw in _raw_sentences(body, line):
        text = fold(raw)
        sentences.append(
            Sentence(
                part=part,
                text=text,
                raw=" ".join(raw.split()),
                line=where,
                span=(at, at + len(text)),
                statement=part not in _TOPICS and _RATING.fullmatch(text) is None,
            )
        )
        at += len(text) + 1
    return Section(
        number=number,
        title=title,
        line=line,
        sentences=tuple(sentences),
        text=" ".join(sentence.text for sentence in sentences),
    )


def occurrences(quote: str, folded: str) -> tuple[Span, ...]:
    """Return where a quote stands in a folded text; empty if it does not.

    An ellipsis in the quote leaves words out: its pieces must follow each other. Case is ignored.
    """
    pieces = [piece for piece in _ELLIPSIS.split(_unlabelled(quote)) if piece]
    lowered = _lowered(folded)
    if len(pieces) == 1:
        return tuple(_all(pieces[0].lower(), lowered))
    found: list[Span] = []
    at = 0
    for piece in pieces:
        start = lowered.find(piece.lower(), at)
        if start < 0:
            return ()
        at = start + len(piece)
        found.append((start, at))
    return tuple(found)


@lru_cache(maxsize=8)
def folded_document(document: str) -> str:
    """Return the whole document folded."""
    return fold(document)


@lru_cache(maxsize=64)
def _lowered(text: str) -> str:
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text


def _unlabelled(quote: str) -> str:
    return fold(_LABEL.sub("", quote.strip()))


def _all(piece: str, lowered: str) -> Iterator[Span]:
    start = lowered.find(piece)
    while start >= 0:
        yield start, start + len(piece)
        start = lowered.find(piece, start + 1)


def _raw_sentences(body: str, first: int) -> Iterator[tuple[str, int, str]]:
    part = ""
    for paragraph in re.finditer(r"\S.*?(?=\n[ \t]*\n|\Z)", body, re.DOTALL):
        text, start = paragraph.group(), paragraph.start()
        label = _LABEL.match(text)
        if label is not None:
            part, text, start = label["label"], text[label.end() :], start + label.end()
        line = first + body.count("\n", 0, start)
        text = _ITEM.sub("", text)
        for begin, end in spans(text):
            yield part, line, text[begin:end]

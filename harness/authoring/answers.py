"""Which claims speak of which sentences of a document, and what they do to its words.

Knows: quotes of claims and rivals, sentences of a document. Must not know: evidence, verdicts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.authoring.document import Section, Sentence, occurrences, read_section, read_whole
from harness.authoring.sentences import Span
from harness.claims.model import Claim, Quote, Rival, Skill


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Hold what a claim does to words of a sentence; `rival` is whose quote it is, if a rival's.

    `quote` says what it does, `words` are those of the sentence that it quotes.
    """

    claim: Claim
    rival: Rival | None
    quote: Quote
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Hold a sentence of a document with the claims that speak of it, in the order of their file.

    `section` is the title of the part it stands in, with its number where it has one.
    """

    section: str
    sentence: Sentence
    answers: tuple[Answer, ...]


def answered(document: str, skills: Sequence[Skill]) -> tuple[Answered, ...]:
    """Return the sentences of a document that claims quote, in its order.

    A skill's quotes are looked for in its section, and in the whole document where there is none.
    """
    found: dict[tuple[int, int, str], Answered] = {}
    for skill in skills:
        section = read_section(document, skill.section) if skill.section else None
        for one in _of_section(section or read_whole(document), skill):
            key = (one.sentence.line, one.sentence.span[0], one.sentence.text)
            known = found.get(key)
            answers = (*known.answers, *one.answers) if known else one.answers
            found[key] = Answered(section=one.section, sentence=one.sentence, answers=answers)
    return tuple(found[key] for key in sorted(found))


def _of_section(section: Section, skill: Skill) -> Iterator[Answered]:
    title = f"{section.number}. {section.title}" if section.number else section.title
    quoted = [
        (spans, claim, rival, quote)
        for claim in skill.claims
        for rival, quote in _quotes(claim)
        if (spans := occurrences(quote.text, section.text))
    ]
    first = min((spans[0][0] for spans, *_ in quoted), default=len(section.text))
    last = max((spans[-1][1] for spans, *_ in quoted), default=0)
    for sentence in section.sentences:
        if sentence.span[1] <= first or sentence.span[0] >= last:
            continue
        answers = tuple(
            Answer(claim=claim, rival=rival, quote=quote, words=words)
            for spans, claim, rival, quote in quoted
            if (words := _words(section.text, spans, sentence.span))
        )
        if answers:
            yield Answered(section=title, sentence=sentence, answers=answers)


def _words(text: str, spans: Sequence[Span], within: Span) -> str:
    """Return what of some spans lies in another one, empty where nothing does."""
    first, end = within
    inside = [(max(start, first), min(stop, end)) for start, stop in spans]
    return " … ".join(text[start:stop] for start, stop in inside if start < stop)


def _quotes(claim: Claim) -> Iterator[tuple[Rival | None, Quote]]:
    yield from ((None, quote) for quote in claim.quotes)
    for rival in claim.rivals:
        yield from ((rival, quote) for quote in rival.quotes)

"""Whether a quote is a whole statement of the document, or only words out of one.

Knows: sentences, clauses and English verbs, by a list. Must not know: claims.
"""

from __future__ import annotations

import re

from harness.authoring.document import Section, occurrences
from harness.authoring.sentences import Span

_BREAK_BEFORE = re.compile(
    r"(?:^|[.!?;:,(\"'\u2026-]|\b(?:and|but|or|that|because|while|where|which|yet))[\"'(\s]*$",
    re.IGNORECASE,
)
_BREAK_AFTER = re.compile(
    r"^[\"')\s]*(?:$|[.!?;:,)(\u2026-]|(?:and|but|or|because|while|where|which|without|unless|until"
    r"|since|when|rather|instead|ignoring|including|as|so)\b)",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?;][\"')]*$")
_PRONOUN = re.compile(r"\b(?:it|they|we|you|he|she|this)\s+[a-z]", re.IGNORECASE)
_AUXILIARIES = frozenset(
    """am are is was were isn't aren't be been being can can't cannot could do does doesn't don't
    did has have had may might must shall should will won't would""".split()  # noqa: SIM905  reads better
)
_VERBS = frozenset(
    """accept accumulate add affect allocate allow answer append apply argue arrive assume avoid
    become begin block break bring call cause change cite claim come compact compare
    conflate confuse consume contain control copy cost crash create decide default
    demonstrate depend describe discard encounter end exceed exist expand fail follow force
    gain get give go grow handle happen help hold ignore increase interact interrupt involve
    keep kill know lead leak leave let lie list live load lock lose make mask match mean
    measure merge misread miss monopolize move need note overflow own persist present prevent
    process produce propagate protect provide put raise reach read receive recommend reduce refer
    release remain require reset restart restore retain return run say scale scan see seem
    send serialize set share show shrink shut skip slow stand start starve state stay stop
    store suggest supervise support survive suspend sweep switch take tell terminate test
    think throw tie trace trap traverse treat trigger trust try turn understand use validate verify
    violate wait wake warn work write yield""".split()  # noqa: SIM905  reads better
)
_WORD = re.compile(r"[A-Za-z][A-Za-z']*")
_FEWEST_WORDS = 3


def fault_of(quote: str, section: Section) -> str | None:
    """Return why a quote is no whole statement of a section, None where it is, or is not there."""
    spans = occurrences(quote, section.text)
    if not spans:
        return None
    whole = (spans[0][0], spans[-1][1])
    if not any(one.statement and _touch(one.span, whole) for one in section.sentences):
        return "is the value of a label, no statement: nobody needs to quote it"
    if any(one.span[0] == whole[0] and one.span[1] <= whole[1] + 1 for one in section.sentences):
        return None  # a whole sentence, whatever its verb
    return _fault_of_clause(section.text, whole)


def has_verb(text: str) -> bool:
    """Tell whether a text has a verb, by a list of those that such documents use."""
    return _PRONOUN.search(text) is not None or any(
        word in _AUXILIARIES or any(stem in _VERBS for stem in _stems(word))
        for word in map(str.lower, _WORD.findall(text))
    )


def _fault_of_clause(text: str, span: Span) -> str | None:
    before, clause, after = text[: span[0]], text[span[0] : span[1]], text[span[1] :]
    if not _BREAK_BEFORE.search(before):
        return "begins in the middle of a clause"
    if not (_BREAK_AFTER.match(after) or _END.search(clause)):
        return "ends in the middle of a clause"
    if len(_WORD.findall(clause)) < _FEWEST_WORDS or not has_verb(clause):
        return "is no clause: it says nothing of anything"
    return None


def _touch(one: Span, other: Span) -> bool:
    return one[0] < other[1] and one[1] > other[0]


def _stems(word: str) -> tuple[str, ...]:
    """Return what a word may be a form of: `copies` of copy, `crashes` of crash, `used` of use."""
    found = [word]
    for ending, instead in (
        ("ies", "y"),
        ("es", ""),
        ("es", "e"),
        ("s", ""),
        ("ed", ""),
        ("ed", "e"),
    ):
        if word.endswith(ending):
            found.append(word.removesuffix(ending) + instead)
    return tuple(found)

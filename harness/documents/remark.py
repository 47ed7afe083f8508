"""What there is to say of a line of a document.

Knows: the shape of a remark. Must not know: how it is found, or shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType


class Level(StrEnum):
    """Say what a remark does: an error keeps the document from being published."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Say what a rule is about, and what breaking it does."""

    level: Level
    about: str


def _rules(level: Level, **about: str) -> Iterator[tuple[str, Rule]]:
    for name, text in about.items():
        yield name.replace("_", "-"), Rule(level=level, about=text)


RULES: Mapping[str, Rule] = MappingProxyType(
    dict(
        (
            *_rules(
                Level.ERROR,
                bad_mark="A comment is meant as a mark and is none.",
                no_sentence="A mark marks no sentence.",
                unknown_claim="A mark names a claim that is not there.",
                not_confirmed="A claim of the sentence is refuted or inconclusive.",
                not_observed="A claim of the sentence was not observed on a release.",
                other_release="A claim of the sentence is about other releases than the document.",
                changed_sentence="The sentence changed since it was linked to its claim.",
                changed_claim="The claim changed since the sentence was linked to it.",
                not_accepted="A mark is new: nobody accepted its sentence.",
                too_many_unproven="More sentences than are allowed look like facts without a mark.",
            ),
            *_rules(
                Level.WARNING,
                unproven_sentence="A sentence looks like a fact and bears no mark.",
                like_refuted="A sentence is like a belief that the VM refuted.",
            ),
            *_rules(
                Level.NOTE,
                mark_in_code="A mark stands in code, where it marks nothing.",
                nothing_accepted="No sentence of the document was accepted.",
                like_proven="A sentence without a mark is like a proven statement.",
            ),
        )
    )
)
"""Every rule by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Say something of the lines `line` to `end_line` of a document, by one of `RULES`.

    `score` (0 to 1) is how like the sentence is to what the remark compares it with.
    """

    path: Path
    line: int
    end_line: int
    rule: str
    message: str
    claim: str | None = None
    sentence: str | None = None
    score: float | None = None

    @property
    def level(self) -> Level:
        """Return what the remark does."""
        return RULES[self.rule].level

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.level}: {self.message}"

"""What an expression gave on a VM, and which of several answers say the same.

Knows: answers as text. Must not know: how an expression is evaluated, how answers are shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec


class Kind(StrEnum):
    """Say how an expression ended."""

    VALUE = "value"
    RAISED = "raised"
    REFUSED = "refused"
    """The text is none that this release can evaluate: `errors` say where."""
    OVERDUE = "overdue"
    """It was still running past the deadline; `stack` is where it was then."""
    ENDED = "ended"
    """The VM ended, or said what is no answer; `text` says how."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what one expression gave on one VM.

    `text` is the value, or the reason of what was raised, printed on one line, maps in the order of
    their keys; `pretty` is the same on several lines, empty where one is short enough. Where `cut`,
    both end early, and `checksum` is that of the whole term. `plain` is the value as evidence has
    it, `is_plain` tells whether it has one. `output` is all that was printed, by the expression or
    by its VM. `errors`, `warnings`, `notes` and `stack` hold one line each, the innermost first.

    Units: microseconds.
    """

    kind: Kind
    text: str = ""
    pretty: str = ""
    cut: bool = False
    checksum: int | None = None
    plain: Any = None
    is_plain: bool = False
    error_class: str = ""
    stack: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    output: str = ""
    elapsed_us: int | None = None

    @property
    def is_answer(self) -> bool:
        """Tell whether the VM answered: with a value, or with what the expression raised."""
        return self.kind in {Kind.VALUE, Kind.RAISED}

    @property
    def said(self) -> str:
        """Return in one text all that answers are compared by; stacks differ by release anyway."""
        parts = (self.kind, self.error_class, self.text, *self.errors, *self.warnings, self.output)
        return "\n".join(parts)


class Passing(StrEnum):
    """Name what is another in each VM, and tells nothing of a release."""

    PIDS = "pids"
    REFERENCES = "references"
    PORTS = "ports"
    FUNS = "funs"
    ADDRESSES = "addresses"
    DATES = "dates"
    NUMBERS = "numbers that change from run to run"
    REST = "what is cut off, which is not compared"
    """A checksum of the whole tells nothing where a pid in it is another one."""


_PASSING = {
    Passing.PIDS: re.compile(r"<\d+\.\d+\.\d+>"),
    Passing.REFERENCES: re.compile(r"#Ref<[\d.]+>"),
    Passing.PORTS: re.compile(r"#Port<[\d.]+>"),
    Passing.FUNS: re.compile(r"(?<=#Fun<)([^<>]*?)\.\d+\.\d+(?=>)"),
    Passing.ADDRESSES: re.compile(r"\b0x[0-9a-fA-F]{6,}\b"),
    Passing.DATES: re.compile(
        r"\b(?:\d{1,2}-[A-Z][a-z]{2}-\d{4}::|\d{4}-\d\d-\d\d[T ])[\d:.]*\d(?:Z|[-+]\d\d:\d\d)?"
    ),
}
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w])")
_BLANK = "\N{BULLET}"


def masked(text: str) -> str:
    """Return a text without its pids, references, ports, addresses and numbers of funs."""
    for kind, pattern in _PASSING.items():
        text = pattern.sub(rf"\1.{_BLANK}" if kind is Passing.FUNS else f"{kind}{_BLANK}", text)
    return text


def same(one: Answered, other: Answered) -> bool:
    """Tell whether two answers say the same, or differ by what passes alone."""
    return _key(one) == _key(other)


def same_but_for_numbers(one: Answered, other: Answered) -> bool:
    """Tell whether two answers would say the same if it were not for their numbers."""
    return _NUMBER.sub(_BLANK, masked(one.said)) == _NUMBER.sub(_BLANK, masked(other.said))


def changing(one: Answered, again: Answered) -> frozenset[int] | None:
    """Return which numbers of an answer were others when the same VM was asked again.

    Returns:
        Their positions among its numbers; None if more than numbers differ.
    """
    if not same_but_for_numbers(one, again):
        return None
    pairs = zip(_numbers(one), _numbers(again), strict=True)
    return frozenset(at for at, (first, second) in enumerate(pairs) if first != second)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Hold runtimes that gave the same answer, and what in it differs among them all the same."""

    runtimes: tuple[str, ...]
    answer: Answered
    passing: tuple[Passing, ...] = ()


def grouped(
    answers: Mapping[str, Answered], changing: frozenset[int] = frozenset()
) -> tuple[Group, ...]:
    """Put runtimes together that gave the same answer, in the order given.

    Args:
        answers: by runtime.
        changing: numbers, by position, that are others whenever a VM is asked.

    Returns:
        The groups; the answer of each is that of its last runtime.
    """
    members: dict[str, list[str]] = {}
    for runtime, answer in answers.items():
        members.setdefault(_key(answer, changing), []).append(runtime)
    return tuple(
        Group(
            runtimes=tuple(runtimes),
            answer=answers[runtimes[-1]],
            passing=_passing([answers[runtime] for runtime in runtimes]),
        )
        for runtimes in members.values()
    )


def _key(answer: Answered, changing: frozenset[int] = frozenset()) -> str:
    text = masked(answer.said)
    if changing:
        text = _without(text, changing)
    passes = text != answer.said  # then the checksum of the whole differs, too
    return text if passes else f"{text}\n{answer.checksum}"


def _without(text: str, positions: frozenset[int]) -> str:
    numbers = iter(range(len(text)))

    def blank(found: re.Match[str]) -> str:
        return _BLANK if next(numbers) in positions else found[0]

    return _NUMBER.sub(blank, text)


def _numbers(answer: Answered) -> list[str]:
    return _NUMBER.findall(masked(answer.said))


def _passing(answers: Sequence[Answered]) -> tuple[Passing, ...]:
    """Return what differs among answers that are the same otherwise."""
    found = [
        kind
        for kind, pattern in _PASSING.items()
        if len({tuple(match[0] for match in pattern.finditer(one.said)) for one in answers}) > 1
    ]
    if len({tuple(_numbers(one)) for one in answers}) > 1:
        found.append(Passing.NUMBERS)
    if any(one.cut for one in answers) and len({one.checksum for one in answers}) > 1:
        found.append(Passing.REST)
    return tuple(found)

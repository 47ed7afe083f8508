"""A search for changes in a terminal: a line a release as it answers, then what changed where.

Knows: steps and changes as texts. Must not know: how they were found, what was asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from harness.report.phrases import plural

_WIDTH = 100
_VERSION_WIDTH = 10
_WAY_WIDTH = 7
_ENDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Hold one release that was asked: which of the answers it gave, or why it gave none.

    `answer` counts from 0 in the order in which answers were met; `agreed` of `times` were this
    one.
    """

    version: str
    way: str
    origin: str
    answer: int | None
    said: str
    times: int
    agreed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Hold one change: the neighbours, and what differs, as path, old and new.

    `silent` are releases between them that did not answer; `absent` those that nobody had.
    """

    last: str
    first: str
    differs: tuple[tuple[str, str, str], ...]
    silent: tuple[str, ...] = ()
    absent: tuple[int, ...] = ()


def letter(number: int) -> str:
    """Return the name of an answer: A, B … Z, then A1."""
    times, at = divmod(number, len(ascii_uppercase))
    return ascii_uppercase[at] + (str(times) if times else "")


def step_line(step: Step) -> str:
    """Return a release's line: its version, where its VM comes from, what it says."""
    name = f"{step.version:<{_VERSION_WIDTH}} {step.way:<{_WAY_WIDTH}}"
    if step.answer is None:
        return f"-  {name} {_short(step.said)}"
    share = f"  ({step.agreed} of {step.times} times)" if step.agreed < step.times else ""
    return f"{letter(step.answer)}  {name} {_short(step.said)}{share}"


def change_lines(changes: Sequence[Found]) -> Iterator[str]:
    """Yield what changed between which releases."""
    for one in changes:
        yield ""
        yield f"changed between {one.last} and {one.first}"
        for path, old, new in one.differs:
            name = f"{path}: " if path else ""
            yield f"  {name}{_short(old)}  ->  {_short(new)}"
        if one.silent:
            yield f"  between them, without an answer: {', '.join(one.silent)}"
        if one.absent:
            yield f"  between them, not asked: OTP {', '.join(map(str, one.absent))}"


def end_lines(
    steps: Sequence[Step], changes: Sequence[Found], unasked: Sequence[str]
) -> Iterator[str]:
    """Yield what the search comes to, and what it cannot know."""
    answered = [step for step in steps if step.answer is not None]
    flaky = [step.version for step in steps if step.times and step.agreed < step.times]
    yield ""
    if flaky:
        yield f"flaky, so asked again: {', '.join(flaky)}"
    if len(answered) < _ENDS:
        yield "too few releases answer alike each time: nothing can be compared"
    elif not changes:
        yield f"the same on {_listed([step.version for step in answered])}"
    if unasked:
        yield (
            f"not asked, as their neighbours answer alike: {_listed(unasked)};"
            " two changes may hide between equal answers: --all asks every release"
        )
    yield (
        f"{plural(len(changes), 'change')}; {plural(len(steps), 'release')} asked"
        f" of {len(steps) + len(unasked)}"
    )


def since_json(
    about: str, steps: Sequence[Step], changes: Sequence[Found], unasked: Sequence[str]
) -> dict[str, Any]:
    """Return the search as programs read it: steps in the order of versions."""
    return {
        "about": about,
        "steps": [
            {
                "version": step.version,
                "way": step.way,
                "origin": step.origin,
                "answer": None if step.answer is None else letter(step.answer),
                "said": step.said,
                "times": step.times,
                "agreed": step.agreed,
            }
            for step in steps
        ],
        "changes": [
            {
                "last": one.last,
                "first": one.first,
                "differs": [
                    {"path": path, "old": old, "new": new} for path, old, new in one.differs
                ],
                "silent": list(one.silent),
                "absent": list(one.absent),
            }
            for one in changes
        ],
        "unasked": list(unasked),
    }


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…"


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:  # noqa: PLR2004 - one needs no "and"
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"

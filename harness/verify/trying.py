"""Expressions on every release at once: asked in order, told apart, printed.

Knows: panels, what answers look like. Must not know: options.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.collect.panel import Asked, Panel
from harness.collect.probes import ProbeStore
from harness.collect.releases import Releases
from harness.errors import ExitCode, InputError
from harness.report.releases import labels
from harness.report.terminal import answers
from harness.run.answers import Kind
from harness.run.cells import Json
from harness.runtimes.model import Resolved

_FLAG_REFUSED = re.compile(r"((?:unknown|bad|missing) [^\n]*?)(?:\\x0d)?$", re.MULTILINE)
"""What the emulator says of a flag before it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """Hold what is to be asked: a module to load first, then expressions, in order.

    `twice` has all asked a second time, `once` forbids it where numbers differ.
    """

    module: str | None
    store: ProbeStore
    expressions: tuple[str, ...]
    once: bool = False
    twice: bool = False

    @property
    def count(self) -> int:
        """Return how many there are."""
        return len(self.expressions) + (self.module is not None)


def require(opened: Releases, flags: Sequence[str], *, strict: bool) -> None:
    """Refuse to go on without any release, or under `strict` without one of them.

    Raises:
        InputError: every VM that was found ended because of its flags.
        RuntimeMissingError: names each missing release with its reason.
    """
    reasons = [one.reason for one in opened.resolved if one.reason is not None]
    refused = [found for reason in reasons if (found := _FLAG_REFUSED.search(reason))]
    if flags and refused and not opened.runtimes:
        raise InputError(f"no VM starts with --flags {shlex.join(flags)}: {refused[0][1]}")
    opened.require(strict=strict)


def ask(panel: Panel, questions: Questions) -> Iterator[Asked]:
    """Yield what was answered, in order, up to what every release refuses.

    From the first on whose answers differ in numbers alone all is held back and asked again, each
    release on a new VM: numbers that are others there tell nothing of a release.
    """
    told: list[Asked] = []
    held: list[Asked] = []
    for asked in _in_order(panel, questions):
        if held or questions.twice or (asked.in_doubt and not questions.once):
            held.append(asked)
        else:
            told.append(asked)
            yield asked
    if held:
        everything = panel.again([*told, *held], lambda on, one: _repeat(on, questions, one))
        yield from everything[len(told) :]


def exit_code(asked: Sequence[Asked]) -> ExitCode:
    """Return 4 if every release refused one, 2 if a VM ended or took too long, else 0."""
    if any(is_refused(one) for one in asked):
        return ExitCode.BAD_INPUT
    kinds = {answer.kind for one in asked for answer in one.answers.values()}
    return ExitCode.INCONCLUSIVE if kinds & {Kind.OVERDUE, Kind.ENDED} else ExitCode.CONFIRMED


def is_refused(asked: Asked) -> bool:
    """Tell whether no release takes it for an expression."""
    return all(answer.kind is Kind.REFUSED for answer in asked.answers.values())


def is_silent(asked: Asked) -> bool:
    """Tell whether a module was loaded on all releases, without a word."""
    return asked.is_load and all(
        answer.kind is Kind.VALUE and not answer.warnings and not answer.output
        for answer in asked.answers.values()
    )


def asked_lines(asked: Asked, *, timeout_s: float, chars: int) -> Iterator[str]:
    """Yield what was answered, as text."""
    for group in asked.groups:
        yield from answers.group_lines(group, timeout_s=timeout_s, chars=chars)
    if asked.unsteady:
        yield f"  asked again, {labels(asked.unsteady)} answered otherwise"


def rest_lines(panel: Panel) -> Iterator[str]:
    """Yield what was printed after the last answer."""
    for name, text in panel.rest().items():
        yield f"{answers.short((name,))}: printed afterwards"
        yield from answers.output_lines(text)


def missing_lines(resolved: Sequence[Resolved]) -> Iterator[str]:
    """Yield which releases cannot be had, and why."""
    for one in resolved:
        if one.runtime is None:
            yield f"- OTP {one.release} left out: {one.reason}"


def to_json(asked: Sequence[Asked], panel: Panel) -> dict[str, Json]:
    """Return everything as plain data."""
    opened = panel.opened
    return {
        "runtimes": {
            name: {"release": runtime.release, "way": runtime.way, "origin": runtime.origin,
                   "otp_version": opened.builds[name].otp_version}
            for name, runtime in opened.runtimes.items()
        },
        "missing": {
            str(one.release): one.reason for one in opened.resolved if one.runtime is None
        },
        "asked": [
            answers.groups_json(one.text, one.groups, one.answers, one.unsteady) for one in asked
        ],
    }  # fmt: skip


def _in_order(panel: Panel, questions: Questions) -> Iterator[Asked]:
    if questions.module is not None:
        loaded = panel.load(questions.store, questions.module)
        yield loaded
        if is_refused(loaded):
            return
    for text in questions.expressions:
        asked = panel.ask(text)
        yield asked
        if is_refused(asked):
            return


def _repeat(panel: Panel, questions: Questions, asked: Asked) -> Asked:
    if questions.module is not None and asked.is_load:
        return panel.load(questions.store, questions.module)
    return panel.ask(asked.text)

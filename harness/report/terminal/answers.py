"""Answers of several releases: what is equal on one line, in words and as plain data.

Knows: how they read. Must not know: how they were had, where the text goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import indent

from harness.report.phrases import plural
from harness.report.releases import labels
from harness.run.answers import Answered, Group, Kind
from harness.run.cells import Json

_OUTPUT_LINES = 40
"""Of what was printed; `--json` has all that was kept."""

_DEPTH = 6


def group_lines(group: Group, *, timeout_s: float, chars: int) -> Iterator[str]:
    """Yield what a group of runtimes answered behind their numbers, and what belongs to it."""
    first, *more = answer_lines(group, timeout_s=timeout_s, chars=chars)
    yield f"{short(group.runtimes)}: {first}".rstrip()
    yield from more


def answer_lines(group: Group, *, timeout_s: float, chars: int) -> Iterator[str]:
    """Yield what a group of runtimes answered, a line at least, and below it what belongs to it."""
    answer = group.answer
    yield from _head(answer, timeout_s)
    for note in answer.notes:
        yield f"    {note}"
    for entry in answer.stack[:_DEPTH]:
        yield f"    in {entry}"
    for warning in answer.warnings:
        yield f"    warning {warning}"
    if answer.cut:
        yield f"    cut at {chars:,} characters (--chars)"
    if group.passing:
        what = ", ".join(group.passing)
        yield f"    apart from {what}; this is what {short(group.runtimes[-1:])} said"
    yield from output_lines(answer.output)


def output_lines(output: str) -> Iterator[str]:
    """Yield what was printed, the middle of much left out."""
    lines = output.splitlines()
    half = _OUTPUT_LINES // 2
    between = len(lines) - 2 * half
    if between > 1:
        lines[half:-half] = [f"[... {plural(between, 'line')} ...]"]
    yield from (f"  | {line}" for line in lines)


def short(runtimes: tuple[str, ...]) -> str:
    """Return runtimes by their numbers, neighbours joined."""
    return labels(runtimes).removeprefix("OTP ")


def _head(answer: Answered, timeout_s: float) -> Iterator[str]:
    match answer.kind:
        case Kind.VALUE | Kind.RAISED:
            how = f"raised {answer.error_class}:" if answer.kind is Kind.RAISED else ""
            yield how if answer.pretty else f"{how}{answer.text}"
            yield from indent(answer.pretty, "  ").splitlines()
        case Kind.REFUSED:
            yield answer.errors[0] if answer.errors else "refused"
            yield from (f"    {error}" for error in answer.errors[1:])
        case Kind.OVERDUE:
            yield f"no answer within {timeout_s:g} s (--timeout)"
        case Kind.ENDED:
            yield answer.text


def answer_json(answer: Answered) -> dict[str, Json]:
    """Return an answer as plain data; `value` is there where evidence could hold it."""
    found: dict[str, Json] = {"kind": answer.kind.value, "text": answer.text}
    if answer.is_plain:
        found["value"] = answer.plain
    if answer.cut:
        found |= {"cut": True, "checksum": answer.checksum}
    if answer.error_class:
        found["class"] = answer.error_class
    lists = {
        "stack": answer.stack,
        "notes": answer.notes,
        "errors": answer.errors,
        "warnings": answer.warnings,
    }
    found |= {name: list(lines) for name, lines in lists.items() if lines}
    return found | {"output": answer.output, "elapsed_us": answer.elapsed_us}


def groups_json(
    text: str, groups: tuple[Group, ...], answers: Mapping[str, Answered], unsteady: tuple[str, ...]
) -> dict[str, Json]:
    """Return what was asked, who said the same, and each runtime's answer."""
    return {
        "expression": text,
        "same": [
            {"runtimes": list(one.runtimes), "apart_from": [kind.value for kind in one.passing]}
            for one in groups
        ],
        "unsteady": list(unsteady),
        "answers": {name: answer_json(answer) for name, answer in answers.items()},
    }

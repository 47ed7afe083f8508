"""A claim of what an expression gave: the probe evaluates it, the claim predicts the answer.

Knows: answers, drafts. Must not know: files, folders.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from harness.authoring.draft import Draft, Expect, When
from harness.collect.panel import Asked
from harness.errors import InputError
from harness.run.answers import Answered, Group, Kind, masked
from harness.run.cells import Json

_RELEASE = re.compile(r"otp(\d+)")
_STATEMENT_CHARS = 300
_WHY = "TODO: what changed, and where it is told."


def draft_of(asked: Sequence[Asked], flags: Sequence[str]) -> Draft:
    """Return a claim of what the last expression gave; a rival and words are left as TODO.

    Args:
        asked: expressions in order, all answered, and asked a second time.
        flags: of the VMs that were asked.

    Raises:
        InputError: no claim can predict the answer.
    """
    last = asked[-1]
    groups = last.groups
    if last.changing or last.unsteady:
        raise InputError(f"no claim can predict {last.text}: asked again, it gives something else")
    for group in groups:
        _require_lasting(last, group)
    raises = any(one.kind is Kind.RAISED for one in last.answers.values())
    key = "value_text" if raises else _key(list(last.answers.values()))
    most = max(reversed(groups), key=lambda group: len(group.runtimes))
    others = [group for group in groups if group is not most]
    return Draft(
        statement=_statement(last.text, most.answer),
        expect=_expect(most.answer, key, raises=raises),
        whens=[
            When(otp=span, why=_WHY, expect=_expect(group.answer, key, raises=raises))
            for group in others
            for span in _spans(group.runtimes)
        ],
        flags=flags,
        body=_body([one.text for one in asked], key, raises=raises),
        about=f"What an expression gives{' or raises' if raises else ''}.",
    )


def _require_lasting(asked: Asked, group: Group) -> None:
    """Refuse an answer that is another in each VM, or too long to be predicted."""
    passing = [kind.value for kind in group.passing]
    if not passing and masked(group.answer.text) != group.answer.text:
        passing = ["pids, references or the like"]
    if passing:
        raise InputError(
            f"no claim can predict {asked.text}: the answer holds {', '.join(passing)}",
            hint="have the expression return what stays the same",
        )
    if group.answer.cut:
        raise InputError(
            f"no claim can predict {asked.text}: the answer is too long",
            hint="have the expression return a number or a short text",
        )


def _key(answers: Sequence[Answered]) -> str:
    """Return a key of evidence that fits all answers; what is no number is predicted as text."""
    values = [answer.plain for answer in answers if answer.is_plain]
    if len(values) == len(answers):
        if all(isinstance(value, bool) for value in values):
            return "value"
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            return "value_number"
    return "value_text"


def _expect(answer: Answered, key: str, *, raises: bool) -> Expect:
    value: Json = answer.text if key == "value_text" else answer.plain
    return {"ends": answer.error_class or "returned", key: value} if raises else {key: value}


def _statement(text: str, answer: Answered) -> str:
    gives = f"raises {answer.error_class}:" if answer.kind is Kind.RAISED else "gives "
    said = " ".join(f"{text} {gives}{answer.text}".split())
    return f"TODO: say in words that {said[:_STATEMENT_CHARS]}."


def _spans(runtimes: Sequence[str]) -> Iterator[str]:
    """Yield ranges that hold just these releases."""
    releases = {int(found[1]) for name in runtimes if (found := _RELEASE.match(name))}
    for release in sorted(releases):
        if release - 1 not in releases:
            end = release
            while end + 1 in releases:
                end += 1
            yield f">={release},<{end + 1}"


def _body(texts: Sequence[str], key: str, *, raises: bool) -> str:
    """Return the expressions as the body of a function that returns evidence."""
    if raises:
        return (
            f"    try\n{_sequence(texts, 8)}\n    of\n"
            f"        ReturnedValue ->\n"
            f"            #{{ends => returned, {key} => probe_print:text(ReturnedValue)}}\n"
            "    catch\n"
            f"        RaisedClass:RaisedReason ->\n"
            f"            #{{ends => RaisedClass, {key} => probe_print:text(RaisedReason)}}\n"
            "    end"
        )
    *before, last = texts
    value = last if _is_simple(last) else f"begin\n{_sequence([last], 8)}\n    end"
    if key == "value_text":
        value = f"probe_print:text({value})"
    return ",\n".join([*([_sequence(before, 4)] if before else []), f"    #{{{key} => {value}}}"])


def _is_simple(text: str) -> bool:
    return not {"\n", "%"} & set(text)


def _sequence(texts: Sequence[str], columns: int) -> str:
    """Return expressions with commas between; a comma after a comment has a line of its own."""
    margin = " " * columns
    first, *others = texts
    written = margin + first
    for text in others:
        is_hidden = "%" in written.rpartition("\n")[2]
        written += f"\n{margin},\n{margin}{text}" if is_hidden else f",\n{margin}{text}"
    return written

"""What a search has found, as a claim's range or as tables that say what differs.

Knows: answers of releases in order, the claim file. Must not know: how releases are asked, how
anything is shown.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.authoring import ranges
from harness.authoring.ranges import Moved
from harness.claims.file import read_skill
from harness.claims.model import Claim, by_name
from harness.errors import InputError
from harness.judge.finding import Verdict
from harness.judge.judge import judge
from harness.judge.since import ClaimAnswer, is_exact
from harness.run import versions

Holds = Callable[[ClaimAnswer], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Hold what was written, in words, and what the claim still does not say, a line a release."""

    path: Path
    what: tuple[str, ...]
    left: tuple[str, ...] = ()


def write_range(claim: Claim, answers: Sequence[ClaimAnswer]) -> Written:
    """Write the range on which a claim holds.

    Args:
        claim: as it is.
        answers: of all releases that answered, oldest first.

    Raises:
        InputError: it holds on all, on none, or not in one piece.
        StorageError: the file cannot be written.
    """
    spans = _spans(answers, lambda one: _holds(claim, one))
    holding = [span for span in spans if _holds(claim, span[0])]
    if not holding:
        raise InputError(f"{claim.name} holds on none of them: there is no range to write")
    if len(spans) == 1:
        raise InputError(f"{claim.name} holds on all of them: there is no range to write")
    if len(holding) > 1:
        between = ", ".join(f"{span[0].version} to {span[-1].version}" for span in holding)
        raise InputError(
            f"{claim.name} holds on {between} and not between: no one range says that",
            hint="--write when says what is otherwise",
        )
    otp = _range(answers, holding[0])
    text = ranges.with_range(_read(claim.path), claim.id, otp)
    return _checked(claim, answers, text, (f'otp = "{otp}"',))


def write_whens(claim: Claim, answers: Sequence[ClaimAnswer]) -> Written:
    """Write what is otherwise where a claim does not hold.

    Raises:
        InputError: it holds on all, there is no evidence, or a range would have to be thought of.
        StorageError: the file cannot be written.
    """
    spans = [
        span
        for span in _spans(answers, lambda one: (_holds(claim, one), tuple(one.parts.items())))
        if not _holds(claim, span[0])
    ]
    if not spans:
        raise InputError(f"{claim.name} holds on all of them: there is nothing to write")
    moved = [_moved(claim, answers, span) for span in spans]
    text = ranges.with_whens(_read(claim.path), claim.id, moved)
    return _checked(claim, answers, text, tuple(f'[[claim.when]] otp = "{m.otp}"' for m in moved))


def _holds(claim: Claim, answer: ClaimAnswer) -> bool:
    """Tell whether a claim with its own tables, but without its range, holds on a release."""
    if answer.failure:
        return False
    whole = replace(claim, otp="", rivals=(), faults=())
    return all(check.holds for check in judge(whole, answer.observation).checks)


def _spans(
    answers: Sequence[ClaimAnswer], key: Callable[[ClaimAnswer], object]
) -> list[list[ClaimAnswer]]:
    """Return neighbours of one key together."""
    spans: list[list[ClaimAnswer]] = []
    for answer in answers:
        if spans and key(spans[-1][-1]) == key(answer):
            spans[-1].append(answer)
        else:
            spans.append([answer])
    return spans


def _range(answers: Sequence[ClaimAnswer], span: Sequence[ClaimAnswer]) -> str:
    low, high = answers.index(span[0]), answers.index(span[-1])
    parts = [] if low == 0 else [f">={_bound(answers[low - 1], answers[low])}"]
    if high + 1 < len(answers):
        parts.append(f"<{_bound(answers[high], answers[high + 1])}")
    return ",".join(parts)


def _bound(last: ClaimAnswer, first: ClaimAnswer) -> str:
    """Return where a change is written to be: a whole release where its patches tell no better."""
    old, new = versions.key(last.version)[0], versions.key(first.version)[0]
    return str(new[0]) if old[0] < new[0] else first.version


def _moved(claim: Claim, answers: Sequence[ClaimAnswer], span: Sequence[ClaimAnswer]) -> Moved:
    answer, otp = span[0], _range(answers, span)
    if answer.failure:
        raise InputError(
            f"on {answer.version} there is {answer.failure}", hint="--write otp leaves it out"
        )
    whole = replace(claim, otp="", rivals=(), faults=())
    against = [one for one in judge(whole, answer.observation).checks if not one.holds]
    for check in against:
        if not is_exact(check.prediction) or check.holds is None:
            raise InputError(
                f"{check.path} is predicted as {check.predicted}, and on {answer.version} found is"
                f" {check.found_text}: write the [[claim.when]] of {otp} by hand"
            )
    return Moved(
        otp=otp,
        why=f"TODO: what moved between {_neighbours(answers, span)}, and where OTP says so.",
        values=tuple((check.prediction.path, check.found) for check in against),
    )


def _neighbours(answers: Sequence[ClaimAnswer], span: Sequence[ClaimAnswer]) -> str:
    low, high = answers.index(span[0]), answers.index(span[-1])
    pairs = [(low - 1, low)] if low else []
    pairs += [(high, high + 1)] if high + 1 < len(answers) else []
    return " and between ".join(
        f"{answers[one].version} and {answers[other].version}" for one, other in pairs
    )


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _checked(
    claim: Claim, answers: Sequence[ClaimAnswer], text: str, what: tuple[str, ...]
) -> Written:
    """Write the file once it reads as a claim file, and judge the same evidence by it."""
    with tempfile.TemporaryDirectory(prefix="beamproof-since-") as folder:
        draft = Path(folder) / claim.path.name
        draft.write_text(text, "utf-8")
        skill, problems = read_skill(draft)
    changed = by_name([skill]).get(claim.name) if skill is not None else None
    if changed is None or problems:
        said = "; ".join(str(problem) for problem in problems)
        raise InputError(f"{claim.path} would not be a claim file any more: {said}")
    ranges.write(claim.path, text)
    thought = replace(changed, whens=tuple(replace(when, why="") for when in changed.whens))
    return Written(path=claim.path, what=what, left=tuple(_left(thought, answers)))


def _left(claim: Claim, answers: Sequence[ClaimAnswer]) -> list[str]:
    """Return where the claim is not confirmed on the evidence that it was written by."""
    found = [(one.version, judge(claim, one.observation)) for one in answers]
    return [
        f"{version}: {one.verdict.value}: {one.reason}"
        for version, one in found
        if one.verdict in {Verdict.REFUTED, Verdict.INCONCLUSIVE}
    ]

"""Whether a claim is confirmed on every release that a sentence speaks of.

Knows: findings of one claim. Must not know: documents, marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from harness.claims.model import Claim
from harness.judge.finding import Finding, Verdict
from harness.run.cells import release_number

_DOUBTS = (Verdict.REFUTED, Verdict.INCONCLUSIVE)


_THIS = "OTP #"


class _State(StrEnum):
    CONFIRMED = "confirmed"
    DOUBTED = "not-confirmed"
    UNOBSERVED = "not-observed"
    OUTSIDE = "other-release"


def doubts_on(
    claim: Claim, findings: Sequence[Finding], releases: Sequence[int] | None
) -> Iterator[tuple[str, str]]:
    """Yield a rule and a message for each way in which a claim is not confirmed.

    Args:
        claim: the claim.
        findings: its own, of one run.
        releases: those that must be confirmed; None is each that it was observed on, at least one.
    """
    by_release: dict[int, list[Finding]] = {}
    for finding in findings:
        by_release.setdefault(_release(finding), []).append(finding)
    states: dict[tuple[_State, str], list[int]] = {}
    for release in sorted(by_release) if releases is None else releases:
        state, said = _state(by_release.get(release, ()))
        alike = said.replace(f"OTP {release}", _THIS)  # one reason for several is told once
        states.setdefault((state, alike), []).append(release)
    if releases is None:
        seen = {key: on for key, on in states.items() if key[0] in _SEEN}
        states = seen or {(_State.UNOBSERVED, _reasons(states)): []}
    for (state, alike), on in states.items():
        said = alike.replace(_THIS, f"OTP {min(on or by_release, default='NN')}")
        if state is _State.DOUBTED:
            yield state, f"{claim.name} is {_on(said, on)}"
        elif state is _State.UNOBSERVED:
            yield state, _unobserved(claim, said, on)
        elif state is _State.OUTSIDE:
            yield state, _outside(claim, on, releases or ())


_SEEN = (_State.CONFIRMED, _State.DOUBTED)


def _state(findings: Sequence[Finding]) -> tuple[_State, str]:
    """Return what a release comes to, and why; of what was doubted the verdict before the why."""
    about = [one for one in findings if not one.boundary]
    doubted = next((one for one in about if one.verdict in _DOUBTS), None)
    if doubted is not None:
        return _State.DOUBTED, f"{doubted.verdict}: {doubted.reason}"
    if any(one.verdict is Verdict.CONFIRMED for one in about):
        return _State.CONFIRMED, ""
    if about:
        return _State.UNOBSERVED, about[0].reason
    return (_State.OUTSIDE, "") if findings else (_State.UNOBSERVED, "")


def _reasons(states: Iterable[tuple[_State, str]]) -> str:
    return "; ".join(said for _, said in states if said)


def _on(said: str, on: Sequence[int]) -> str:
    verdict, _, reason = said.partition(": ")
    return f"{verdict} on {_otp(on)}: {reason}"


def _unobserved(claim: Claim, why: str, on: Sequence[int]) -> str:
    where = f" on {_otp(on)}" if on else ""
    if why:
        return f"{claim.name} was not observed{where}: {why}"
    otp = f" --otp {','.join(map(str, on))}" if on else ""
    command = f"beamproof verify {claim.skill} --claim '{claim.id}'{otp}"
    return f"{claim.name} was not observed{where} in this run: {command}"


def _outside(claim: Claim, outside: Sequence[int], releases: Sequence[int]) -> str:
    left = [release for release in releases if release not in outside]
    said = f"{claim.name} is about OTP {claim.otp}, not about {_otp(outside)}"
    if not left:
        return said
    of = ",".join(map(str, left))
    return f"{said}; where the sentence says so, write its releases into the mark: otp {of}"


def _otp(releases: Iterable[int]) -> str:
    return f"OTP {', '.join(map(str, dict.fromkeys(releases)))}"


def _release(finding: Finding) -> int:
    seen = finding.observation
    if seen is not None and seen.build is not None:
        return seen.build.otp_release
    return release_number(finding.cell.runtime)

"""Questions of a judged run: a true sentence among wrong beliefs, and all that stands behind it.

Knows: claims, what a run proves of them. Must not know: formats, files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import msgspec

from harness import __version__
from harness.judge.view import RunView, SkillView
from harness.report.export.balance import Balanced, Belief, Candidate, balanced
from harness.report.proofs import Proven, joined, proven

LETTERS = "ABCD"
TRAIN, HELDOUT = "train", "heldout"
_HELDOUT_SHARE = 4
"""One question of so many is held out."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what a VM showed at one key of the evidence; `found` is text, cut where it is long."""

    release: str
    path: str
    predicted: str
    found: str


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """Hold a wrong choice: of which claim it is a rival."""

    statement: str
    claim: str


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what stands behind a question; `statement` is the claim's whole sentence."""

    claim: str
    skill: str
    statement: str
    releases: tuple[str, ...]
    wrong: tuple[Wrong, ...]
    evidence: tuple[Evidence, ...]
    sources: tuple[str, ...]
    run: str
    beamproof: str
    seed: str


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Hold one question; `answer` is the place of the true choice, `target` its letter."""

    id: str
    split: str
    question: str
    choices: tuple[str, ...]
    answer: int
    target: str
    metadata: Metadata


def questions(view: RunView, seed: str) -> tuple[Question, ...]:
    """Return the questions that a run's proofs give, in the order of its claims.

    Args:
        view: a judged run; claims that it does not confirm give no question, and neither do those
            whose true sentence length or wording would give away.
        seed: decides the choices and their order; the split does not depend on it.
    """
    proofs = {one.claim.name: one for skill in view.skills for one in proven(skill)}
    made = balanced(tuple(candidates(view)), seed)
    return tuple(_question(one, proofs[one.candidate.claim], view, seed) for one in made)


def candidates(view: RunView) -> Iterator[Candidate]:
    """Yield what may become a question: what the run confirms, with its contradicted rivals."""
    for skill in view.skills:
        yield from _candidates(skill)


def _candidates(skill: SkillView) -> Iterator[Candidate]:
    for at, one in enumerate(proven(skill)):
        yield Candidate(
            claim=one.claim.name,
            skill=skill.name,
            at=at,
            statement=one.claim.statement,
            releases=frozenset(one.versions),
            rivals=tuple(_beliefs(one)),
        )


def _beliefs(proof: Proven) -> Iterator[Belief]:
    for rival in proof.claim.rivals:
        against = frozenset(
            seen.build.otp_version
            for finding in proof.findings
            if (seen := finding.observation) is not None and seen.build is not None
            for one in finding.rivals
            if one.statement == rival.statement and one.contradicted
        )
        if against:
            yield Belief(rival.statement, proof.claim.name, against)


def split_of(claim: str) -> str:
    """Return in which part a claim's question is: by a hash of its name, for ever the same."""
    number = int(hashlib.sha256(claim.encode()).hexdigest(), 16)
    return HELDOUT if number % _HELDOUT_SHARE == 0 else TRAIN


def _question(made: Balanced, proof: Proven, view: RunView, seed: str) -> Question:
    claim = proof.claim
    return Question(
        id=claim.name,
        split=split_of(claim.name),
        question=_asked(claim.skill, proof.versions),
        choices=made.choices,
        answer=made.place,
        target=LETTERS[made.place],
        metadata=Metadata(
            claim=claim.name,
            skill=claim.skill,
            statement=claim.statement,
            releases=proof.versions,
            wrong=tuple(Wrong(statement=one.statement, claim=one.claim) for one in made.others),
            evidence=tuple(_evidence(proof)),
            sources=claim.sources,
            run=view.run.header.run,
            beamproof=__version__,
            seed=seed,
        ),
    )


def _asked(skill: str, versions: Sequence[str]) -> str:
    subject = skill.removeprefix("beam-").replace("-", " ")
    return (
        f"Which of these statements about Erlang/OTP {joined(versions)} is true?"
        f" (Subject: {subject}.)"
    )


def _evidence(proof: Proven) -> Iterator[Evidence]:
    for finding in proof.findings:
        seen = finding.observation
        if seen is None or seen.build is None:
            continue
        for check in finding.checks:
            yield Evidence(
                release=seen.build.otp_version,
                path=check.path,
                predicted=check.predicted,
                found=check.found_text,
            )

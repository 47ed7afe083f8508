"""The claims: what somebody wants to publish, with predictions, rivals and ranges of releases.

Knows: the model. Must not know: files, nodes, runs, verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from harness.claims.predicates import Prediction
from harness.claims.versions import matches
from harness.run.cells import Held, Json, Need, NodeMode, ProbeCall

_UNFINISHED = re.compile(r"\bTODO\b")
_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class Relation(StrEnum):
    """Say what a claim does to the words that it quotes."""

    PROVES = "proves"
    NARROWS = "narrows"
    CORRECTS = "corrects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Hold a sentence or clause of the document, and what the claim does to it.

    `why` tells the document's maintainer what of the words does not hold. On a rival's quote
    `proves` says that the document calls the belief wrong itself.
    """

    text: str
    relation: Relation = Relation.PROVES
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """State a wrong belief and what it predicts; `otp` says on which releases it is wrong."""

    statement: str
    expect: tuple[Prediction, ...]
    quotes: tuple[Quote, ...] = ()
    otp: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Replace predictions of a claim on some releases, and say why the behaviour moved."""

    otp: str
    expect: tuple[Prediction, ...]
    why: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Untestable:
    """Name words of the document that no VM can prove, and why."""

    quotes: tuple[str, ...]
    reason: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """Name a variant of the probe without which a claim falls, and the clause that it proves."""

    variant: str
    clause: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Hold one falsifiable sentence with everything that decides it.

    `falls` is empty until `sabotage.with_falls` has read what the claim falls without, `faults`
    until `faults.with_faults` has looked: what lint calls an error of the claim, with its place.
    `topic` is the heading that the claim stands below in its file.

    Units: `timeout_s` is seconds a call; `repeat` is the least number of samples.
    """

    skill: str
    id: str
    statement: str
    expect: tuple[Prediction, ...]
    probe: str
    quotes: tuple[Quote, ...] = ()
    sources: tuple[str, ...] = ()
    rivals: tuple[Rival, ...] = ()
    whens: tuple[When, ...] = ()
    args: Mapping[str, Json] = field(default_factory=dict)
    otp: str = ""
    node: NodeMode = NodeMode.SHARED
    flags: tuple[str, ...] = ()
    held: Held = Held()  # noqa: RUF009 - it is frozen
    needs: frozenset[Need] = frozenset()
    applications: frozenset[str] = frozenset()
    repeat: int = 1
    timing: bool = False
    timeout_s: float = 30.0
    path: Path = Path()
    line: int = 0
    topic: str = ""
    falls: tuple[Fall, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return `skill/claim`, as the command line takes it."""
        return f"{self.skill}/{self.id}"

    @property
    def module(self) -> str:
        """Return the Erlang module of the skill's probes."""
        return module_of(self.skill)

    @property
    def unfinished(self) -> bool:
        """Tell whether the claim still says that something is to be done."""
        said = (
            self.statement,
            *self.sources,
            *(rival.statement for rival in self.rivals),
            *(when.why for when in self.whens),
        )
        return _UNFINISHED.search(" ".join(said)) is not None

    @property
    def answers(self) -> tuple[Quote, ...]:
        """Return the document's words that the claim and its rivals speak of."""
        return (*self.quotes, *(quote for rival in self.rivals for quote in rival.quotes))

    @property
    def place(self) -> str:
        """Return where the claim stands, `file:line`."""
        return f"{self.path}:{self.line}"

    def call(self) -> ProbeCall:
        """Return the call that provokes what the claim predicts."""
        return ProbeCall(
            module=self.module,
            function=self.probe,
            args=self.args,
            node=self.node,
            flags=self.flags,
            held=self.held,
            needs=self.needs,
            applications=self.applications,
            repeat=self.repeat,
            timing=self.timing,
            timeout_s=self.timeout_s,
        )

    def applies_to(self, otp_version: str) -> bool:
        """Tell whether the claim is about a release, given its full version (`27.3.4.1`)."""
        return matches(self.otp, otp_version)

    def predictions_on(self, otp_version: str) -> tuple[Prediction, ...]:
        """Return what the claim predicts on a release; a later `when` replaces an earlier one."""
        return self._predictions([when for when in self.whens if matches(when.otp, otp_version)])

    def without_when(self, otp_version: str, at: int) -> tuple[Prediction, ...]:
        """Return what the claim would predict on a release without one of its `when`."""
        others = (*self.whens[:at], *self.whens[at + 1 :])
        return self._predictions([when for when in others if matches(when.otp, otp_version)])

    def _predictions(self, whens: Iterable[When]) -> tuple[Prediction, ...]:
        predictions = self.expect
        for when in whens:
            predictions = replaced(predictions, when.expect)
        return predictions

    def rivals_on(self, otp_version: str) -> tuple[Rival, ...]:
        """Return the wrong beliefs that a release must contradict."""
        return tuple(rival for rival in self.rivals if matches(rival.otp, otp_version))


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """Hold a family of claims: one file with its hash; `section` is that of the document."""

    name: str
    description: str
    claims: tuple[Claim, ...]
    untestable: tuple[Untestable, ...] = ()
    section: int | None = None
    path: Path = Path()
    sha256: str = ""

    @property
    def module(self) -> str:
        """Return the Erlang module of the skill's probes."""
        return module_of(self.name)


def by_name(skills: Iterable[Skill]) -> dict[str, Claim]:
    """Return all claims of some skills by `skill/claim`, in order."""
    return {claim.name: claim for skill in skills for claim in skill.claims}


def is_name(text: str) -> bool:
    """Tell whether a text can be the name of a skill or the id of a claim: kebab-case."""
    return _KEBAB.fullmatch(text) is not None


def module_of(skill: str) -> str:
    """Return the probe module of a skill: its name with underscores."""
    return skill.replace("-", "_")


def replaced(predictions: Iterable[Prediction], by: Sequence[Prediction]) -> tuple[Prediction, ...]:
    """Return the predictions with those about the same keys replaced, and the new ones added."""
    kept = tuple(old for old in predictions if not any(_overlap(old, new) for new in by))
    return (*kept, *by)


def _overlap(old: Prediction, new: Prediction) -> bool:
    shared = min(len(old.path), len(new.path))
    return old.path[:shared] == new.path[:shared]

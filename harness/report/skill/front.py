"""`SKILL.md`: what an agent reads first.

Knows: the Agent Skills specification, proven claims. Must not know: files, how a verdict comes.

Source: https://agentskills.io/specification
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from harness import __version__
from harness.judge.view import SkillView
from harness.report.phrases import plural
from harness.report.proofs import Proven, covered, days, joined, mark, moved, prose, versions
from harness.report.skill.choice import by_topic, chosen, differs, tokens
from harness.run.model import Run

MOST_NAME = 64
MOST_DESCRIPTION = 1024
MOST_LINES = 500
MOST_TOKENS = 5000
"""What the specification allows: characters, characters, lines below, tokens."""

SOURCES = "sources"
"""The reference that lists every source."""

ESCRIPT = "scripts/check.escript"
"""The program that tests facts without beamproof."""


@dataclass(frozen=True, kw_only=True)
class Material:
    """Hold what the pages of a skill are made of.

    `pages` are the file names of the references by topic, without folder and ending; `escript`
    tells whether the folder has the program that tests the facts.
    """

    run: Run
    skill: SkillView
    proofs: tuple[Proven, ...]
    pages: Mapping[str, str]
    escript: bool = False

    @cached_property
    def versions(self) -> tuple[str, ...]:
        """Return the versions that confirm any of the facts."""
        return versions(one for proof in self.proofs for one in proof.findings)

    @cached_property
    def covers(self) -> str:
        """Return the releases of these versions, e.g. `25,27`."""
        return covered(one for proof in self.proofs for one in proof.findings)

    @cached_property
    def days(self) -> str:
        """Return when the facts were observed."""
        return days(self.run, (one for proof in self.proofs for one in proof.findings))

    @cached_property
    def topics(self) -> dict[str, list[Proven]]:
        """Return the facts by topic."""
        return by_topic(self.proofs)


def render_front(material: Material) -> str:
    """Return the first page, as many facts on it as it may hold."""
    fixed = "\n".join(_page(material, frozenset()))
    groups = _groups(material)
    room = MOST_TOKENS - tokens(fixed) - len(groups)  # an empty line above each list
    names = chosen(groups, partial(_fact_text, covers=material.covers), room)
    return "\n".join(_page(material, names)) + "\n"


def description(material: Material) -> str:
    """Return what the skill holds and when it is of use, with as many topics as there is room."""
    about = material.skill.description.rstrip(".")
    text = (
        f"{about}. Facts proven on live Erlang VMs (OTP {joined(material.versions)}), what differs"
        " by release, and the wrong beliefs that they refute. Use when writing, reviewing or"
        " debugging Erlang, Elixir or other code on the BEAM, or answering about it, and it"
        " touches: "
    )
    named = ""
    for topic in material.topics:
        longer = f"{named}; {topic}" if named else topic
        if len(text) + len(longer) + 1 > MOST_DESCRIPTION:
            break
        named = longer
    return f"{text}{named or 'this'}."[:MOST_DESCRIPTION]


def _page(material: Material, names: frozenset[str]) -> Iterator[str]:
    yield from _front_matter(material)
    yield ""
    yield f"# {material.skill.name}"
    yield ""
    yield from _how_to_read(material, len(names))
    yield ""
    yield "## Facts by topic"
    for topic, facts in material.topics.items():
        yield ""
        count = plural(len(facts), "fact")
        yield f"### {topic} ([{count}](references/{material.pages[topic]}.md))"
        yield from _listed([one for one in facts if not differs(one)], names, material.covers)
        if all(map(differs, facts)):
            yield ""
            yield "All of it differs by release: see below."
    if some := [one for one in material.proofs if differs(one)]:
        yield ""
        yield "## What differs by release"
        yield from _listed(some, names, material.covers)
    yield ""
    yield from _check(material)
    yield ""
    yield "## Sources"
    yield ""
    yield (
        "Each fact names its sources in its reference;"
        f" [all of them](references/{SOURCES}.md) with the facts that rest on them."
    )


def _front_matter(material: Material) -> Iterator[str]:
    yield "---"
    yield f"name: {material.skill.name}"
    yield f"description: {_quoted(description(material))}"
    yield "metadata:"
    told = {
        "beamproof": f"otp {material.covers}",
        "beamproof-run": material.run.header.run,
        "beamproof-date": material.days,
        "beamproof-releases": " ".join(material.versions),
        "beamproof-version": __version__,
    }
    for key, value in told.items():
        yield f"  {key}: {_quoted(value)}"
    yield "---"


def _quoted(text: str) -> str:
    """Return text as YAML: a quoted scalar of it is one of JSON."""
    return json.dumps(text, ensure_ascii=False)


def _how_to_read(material: Material, shown: int) -> Iterator[str]:
    yield (
        f"Every fact here was tested on live Erlang VMs, OTP {joined(material.versions)},"
        f" {material.days}: what was measured fits it and contradicts the beliefs that stand"
        ' below it as "Not so". Where you remember it otherwise, believe the fact. It says no'
        " more than was tested: of other releases nothing is known here."
    )
    yield ""
    yield (
        f"This page holds {shown} of {plural(len(material.proofs), 'fact')}. Before you rest an"
        " answer on a topic, read its reference: all facts of it, with what was measured on each"
        " release, every wrong belief and what the VM showed instead, and sources."
    )


def _listed(facts: Sequence[Proven], names: frozenset[str], covers: str) -> Iterator[str]:
    shown = [one for one in facts if one.claim.name in names]
    if shown:
        yield ""
    for fact in shown:
        yield from _fact(fact, covers)


def _fact(proof: Proven, covers: str) -> Iterator[str]:
    claim = proof.claim
    yield f"- {prose(claim.statement)} {mark(proof, covers)}"
    if claim.otp:
        yield f"  OTP {claim.otp} only."
    yield from (f"  {prose(said)}" for said in moved(claim))
    rivals = sorted(claim.rivals, key=lambda one: not one.quotes)
    yield from (f'  Not so: "{prose(rival.statement)}"' for rival in rivals[:1])


def _fact_text(proof: Proven, covers: str) -> str:
    return "\n".join(_fact(proof, covers)) + "\n"


def _groups(material: Material) -> dict[str, list[Proven]]:
    """Return the lists of the page that facts are chosen for, those about releases first."""
    some = [one for one in material.proofs if differs(one)]
    others = {
        topic: [one for one in facts if not differs(one)]
        for topic, facts in material.topics.items()
    }
    return {"": some, **others}


def _check(material: Material) -> Iterator[str]:
    name, first = material.skill.name, material.proofs[0].claim
    yield "## Check on your own node"
    yield ""
    yield "The facts were proven with beamproof, which tests them on other VMs in the same way:"
    yield ""
    yield "```console"
    yield f"beamproof verify {name} --image IMAGE        # the image that you run"
    yield f"beamproof verify {name} --otp-root FOLDER    # an Erlang install"
    yield f"beamproof verify {name} --claim {first.id}"
    yield f"beamproof show {first.name}"
    yield "```"
    yield ""
    yield "The first two test all facts, the third one of them; the last shows how it is measured."
    if material.escript:
        yield ""
        yield (
            f"Without beamproof, on any Erlang from OTP 24 on: `escript {ESCRIPT} FACT`. Instead of"
            " a fact `--list` names those that it can test. It starts a second VM, and has your"
            " rights."
        )

"""Corrections: a page that tells a document's maintainer what does not hold, and what does."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from support import judging

from harness.authoring.answers import answered
from harness.authoring.page import parse_page
from harness.claims.folder import load_skills
from harness.claims.model import Claim, Quote, Relation, Skill
from harness.documents.proof import known, prove
from harness.errors import NothingSelectedError
from harness.judge.view import view
from harness.report.corrections import Corrections, corrections, render_corrections
from harness.report.skill.folder import skill_files
from harness.run.file import read_run
from harness.run.model import Observation, Run

ROOT = Path(__file__).parents[3]
RECORDED = ROOT / "tests" / "evidence" / "all-skills" / "research.jsonl"

GUIDE = "Words have eight bytes. Tables are free, always. Nobody counts atoms.\n"


@pytest.fixture(scope="module")
def skills() -> tuple[Skill, ...]:
    return load_skills(ROOT / "claims")


@pytest.fixture(scope="module")
def recorded() -> Run:
    return read_run(RECORDED)


@pytest.fixture(scope="module")
def found(skills: tuple[Skill, ...], recorded: Run) -> Corrections:
    document = (ROOT / "claims" / "research.md").read_text(encoding="utf-8")
    return corrections("research.md", answered(document, skills), view(recorded, skills))


def test_the_published_page_is_what_the_recorded_run_shows(found: Corrections) -> None:
    """A claim whose verdict, words or quotes change makes the page another."""
    published = (ROOT / "docs" / "corrections.md").read_text(encoding="utf-8")
    assert render_corrections(found) == published, (
        "render it again, and read what changed: beamproof corrections claims/research.md"
        " --run tests/evidence/all-skills/research.jsonl -o docs/corrections.md"
    )


def test_the_recorded_run_leaves_open_what_its_machine_lacks_alone(found: Corrections) -> None:
    """Limits of a container, and an application that the packages do not have."""
    assert {claim.name: found.doubt(claim) for claim in found.open} == {
        "beam-scheduler-tuning/cpu-quota": "the claim needs a container's limits: --runtime docker",
        "beam-observability-debugging/observer-needs-screen": (
            "the probe needs the application etop, which otp25 does not have"
        ),
    }


def test_the_published_page_is_proven_itself(skills: tuple[Skill, ...], recorded: Run) -> None:
    """Each sentence that stands in for another bears the mark of its claim."""
    path = ROOT / "docs" / "corrections.md"
    assert _blocked([(path, path.read_text(encoding="utf-8"))], skills, recorded) == []


def test_each_skill_made_of_the_recorded_run_is_proven_itself(
    skills: tuple[Skill, ...], recorded: Run
) -> None:
    """All ten, every page."""
    judged = view(recorded, skills)
    pages = [
        (Path(skill.name, name), content.decode())
        for skill in skills
        for name, content in skill_files(judged, skill.name)
    ]
    assert len(pages) >= 3 * len(skills)
    assert _blocked(pages, skills, recorded) == []


def _blocked(
    pages: Iterable[tuple[Path, str]], skills: tuple[Skill, ...], run: Run
) -> list[tuple[Path, list[str]]]:
    read = [parse_page(text, path) for path, text in pages]
    assert all(page.names for page in read if page.path.name != "sources.md")
    held = known(skills, [name for page in read for name in page.names], run)
    proofs = [prove(page, held) for page in read]
    assert all(proof.covers == (25, 27) for proof in proofs if proof.marks)
    return [
        (proof.page.path, [one.message for one in proof.remarks])
        for proof in proofs
        if proof.blocked or proof.proven < proof.marks
    ]


def _made(*claims: Claim, seen: Iterable[Observation], guide: str = GUIDE) -> Corrections:
    skill = Skill(name=judging.SKILL, description="", claims=claims)
    observations = tuple(seen)
    cells = [cell for one in observations for cell in one.cells]
    run = Run(path=Path(), header=judging.header(*cells), observations=observations)
    return corrections("guide.md", answered(guide, [skill]), view(run, [skill]))


def _claim(relation: Relation, words: str, why: str = "", **fields: object) -> Claim:
    quote = Quote(text=words, relation=relation, why=why)
    return judging.claim(
        {"size_bytes": 8},
        judging.rival({"size_bytes": 4}, "They have four."),
        quotes=(quote,),
        **fields,
    )


def test_a_correction_has_the_words_the_truth_and_the_evidence() -> None:
    """In this order, with where it was seen, and how to see it again."""
    rival = judging.rival(
        {"size_bytes": 4},
        "Tables cost nothing.",
        quotes=(Quote(text="Tables are free", relation=Relation.CORRECTS, why="They cost."),),
    )
    claim = judging.claim({"size_bytes": 8}, rival, sources=("https://www.erlang.org/doc/x",))
    seen = [judging.seen({"size_bytes": 8}, version=one) for one in ("25.2.3", "27.3.4.1")]
    page = render_corrections(_made(claim, seen=seen))
    assert page.endswith(
        """\
### Line 1, correction 1

> Tables are free, always.

**Refuted**: \u201cTables are free\u201d

They cost.

- What holds: It holds. <!-- claim: beam-test/law -->
- Tested as \u201cTables cost nothing.\u201d It would mean `size_bytes`: `4`; the VM showed `8`.
- OTP 25.2.3 and 27.3.4.1: `beamproof verify beam-test --claim law`
- Sources: <https://www.erlang.org/doc/x>
"""
    )
    assert "Claims test 1 sentence of `guide.md`" in page
    assert "Of these, 0 hold as they stand and 1 are listed here" in page


def test_words_that_hold_in_part_are_imprecise_and_others_are_upheld() -> None:
    """What the values are on each release is told where they differ."""
    narrows = _claim(Relation.NARROWS, "Words have eight bytes.", "On most machines.")
    proves = _claim(Relation.PROVES, "Nobody counts atoms.", name="other")
    seen = [
        judging.observation(judging.sample({"size_bytes": 8, "x": 1}), version=version, name=name)
        for version in ("25.2.3", "27.3.4.1")
        for name in ("law", "other")
    ]
    found = _made(narrows, proves, seen=seen)
    page = render_corrections(found)
    assert [one.sentence.text for one in found.upheld] == ["Nobody counts atoms."]
    assert "**Imprecise**: the sentence\n\nOn most machines.\n" in page
    assert "- Measured: `size_bytes` `8`." in page
    assert "|  | 2 | 0 | 1 |" in page


def test_a_claim_about_some_releases_says_that_it_does_not_hold_on_the_others() -> None:
    """And its mark names its own."""
    claim = _claim(Relation.NARROWS, "Tables are free", otp=">=27")
    inside, outside = (
        judging.seen({"size_bytes": size}, version=one)
        for one, size in (("27.3.4.1", 8), ("25.2.3", 4))
    )
    other = _claim(Relation.PROVES, "Nobody counts atoms.", name="other")
    both = [
        judging.observation(judging.sample({"size_bytes": 8}), version=one, name="other")
        for one in ("25.2.3", "27.3.4.1")
    ]
    page = render_corrections(_made(claim, other, seen=[inside, outside, *both]))
    assert "<!-- beamproof: otp 25,27 -->" in page
    assert "It holds. <!-- claim: beam-test/law otp 27 -->" in page
    assert "- The claim is about OTP >=27; on 25.2.3 it does not hold, as that says:" in page


def test_a_claim_that_is_not_confirmed_corrects_nothing() -> None:
    """It is named, with the reason; where it is the only one, there is no page."""
    wrong = _claim(Relation.NARROWS, "Words have eight bytes.")
    right = _claim(Relation.PROVES, "Nobody counts atoms.", name="other")
    seen = [
        judging.seen({"size_bytes": 9}),
        judging.observation(judging.sample({"size_bytes": 8}), name="other"),
    ]
    page = render_corrections(_made(wrong, right, seen=seen))
    assert "### Line" not in page
    assert "Of 1 the run says too little." in page
    assert "- `beam-test/law`: size_bytes: predicted 8, found 9" in page
    with pytest.raises(NothingSelectedError, match=r"r1 confirms no claim that quotes guide\.md"):
        _made(wrong, seen=seen[:1])
    unseen = _made(wrong, right, seen=seen[1:])
    assert "- `beam-test/law`: the run did not ask it" in render_corrections(unseen)


def test_a_document_that_nobody_quotes_has_no_corrections() -> None:
    """The message says what finds claims that are like it."""
    claim = _claim(Relation.NARROWS, "Words have eight bytes.")
    with pytest.raises(NothingSelectedError, match=r"no claim quotes guide\.md") as refused:
        _made(claim, seen=[judging.seen({"size_bytes": 8})], guide="Something else.\n")
    assert refused.value.hint is not None
    assert "beamproof prove --suggest guide.md" in refused.value.hint

"""A skill folder: valid by the specification, of what is confirmed alone, the same each time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
import skills_ref
from skills_ref.parser import read_properties
from support import judging
from support.confirming import confirming
from support.synthetic_runs import Files

from harness.claims.folder import load_skills
from harness.claims.model import Skill
from harness.cli.repro import read_sources
from harness.errors import InputError, NothingSelectedError
from harness.judge.view import RunView, view
from harness.report.output import write_site
from harness.report.repro.escript import why_not
from harness.report.skill.choice import tokens
from harness.report.skill.folder import skill_files
from harness.report.skill.front import MOST_DESCRIPTION, MOST_LINES, MOST_TOKENS
from harness.report.skill.references import page_names
from harness.run.file import read_run
from harness.run.model import Run

CLAIMS = Path(__file__).parents[3] / "claims"
OWN = tuple(sorted(path.stem for path in CLAIMS.glob("*.toml")))
_LINK = re.compile(r"\]\(([^)#]+)")


@pytest.fixture(scope="module")
def own() -> tuple[Skill, ...]:
    return load_skills(CLAIMS)


@pytest.fixture(scope="module")
def run(files: Files) -> Run:
    return read_run(files.run)


@pytest.fixture(scope="module")
def whole(own: tuple[Skill, ...], run: Run) -> RunView:
    """Return a run that confirms every claim of the project."""
    return confirming(run, own)


def _texts(judged: RunView, name: str) -> dict[str, str]:
    return {path: content.decode() for path, content in skill_files(judged, name)}


@pytest.mark.parametrize("name", OWN)
def test_each_skill_is_valid_by_the_specification(
    whole: RunView, name: str, tmp_path: Path
) -> None:
    """By the reference implementation, and by what it does not look at: lines and tokens."""
    folder = tmp_path / name
    write_site(folder, skill_files(whole, name))
    assert skills_ref.validate(folder) == []
    told = read_properties(folder)
    assert told.name == name
    assert len(told.description) <= MOST_DESCRIPTION
    assert "Use when" in told.description
    assert told.metadata == {
        "beamproof": "otp 25,27",
        "beamproof-run": "20261120T030000-aaaa",
        "beamproof-date": "2025-06-01",
        "beamproof-releases": "25.2.3 27.3.4.1",
        "beamproof-version": told.metadata["beamproof-version"],
    }
    front = (folder / "SKILL.md").read_text()
    assert front.count("\n") < MOST_LINES
    assert tokens(front) <= MOST_TOKENS
    _check_links(folder)


def _check_links(folder: Path) -> None:
    """Every reference is one level deep and linked from the first page; no link leads nowhere."""
    front = set(_LINK.findall((folder / "SKILL.md").read_text()))
    pages = {f"references/{path.name}" for path in (folder / "references").iterdir()}
    assert front == pages
    for page in pages:
        for link in _LINK.findall((folder / page).read_text()):
            assert (folder / PurePosixPath(page).parent / link).exists(), (page, link)


@pytest.mark.parametrize("name", OWN)
def test_each_claim_stands_in_one_reference_with_its_mark(
    own: tuple[Skill, ...], whole: RunView, name: str
) -> None:
    """Whatever there was room for on the first page."""
    texts = _texts(whole, name)
    skill = next(one for one in own if one.name == name)
    for claim in skill.claims:
        mark = f"<!-- claim: {claim.name} -->"
        places = [path for path, text in texts.items() if mark in text]
        assert len([path for path in places if path != "SKILL.md"]) == 1, claim.id
        assert sum(texts[path].count(mark) for path in places) <= 2
    assert texts["SKILL.md"].count("<!-- claim: ") > len(skill.claims) // 3


def test_a_program_tests_the_facts_that_one_can(
    own: tuple[Skill, ...], whole: RunView, tmp_path: Path
) -> None:
    """Where the probes' sources are given: all of a skill but those that need more than a VM."""
    name = "beam-memory-management"
    sources = read_sources(CLAIMS.parent / "erlang_probes")
    folder = tmp_path / name
    write_site(folder, skill_files(whole, name, sources))
    assert skills_ref.validate(folder) == []
    program = (folder / "scripts" / "check.escript").read_text()
    skill = next(one for one in own if one.name == name)
    held = {claim.id for claim in skill.claims if why_not(claim) is None}
    assert {claim.id for claim in skill.claims if f"\n%%   {claim.id}\n" in program} == held
    assert "`escript scripts/check.escript FACT`" in (folder / "SKILL.md").read_text()


def test_every_topic_has_a_fact_on_the_first_page(whole: RunView) -> None:
    """What is much is not told at the cost of what is little."""
    front = _texts(whole, "beam-performance-profiling")["SKILL.md"]
    topics = re.findall(r"### (.+?) \(\[", front)
    assert topics[:2] == ["Which profilers there are", "What they count"]
    assert f"holds {front.count('<!-- claim: ')} of 55 facts" in front
    assert "## What differs by release" in front
    assert "All of it differs by release: see below.\n\n### What they count" in front
    assert "-->\n  OTP >=27 only.\n" in front
    assert "  OTP >=27 and <27: tprof came with OTP 27.0 (tools 4.0).\n" in front


def test_the_same_run_gives_the_same_bytes(own: tuple[Skill, ...], run: Run) -> None:
    """Whatever else the run judges, and in whatever order."""
    name = own[0].name
    first = skill_files(confirming(run, own), name)
    assert skill_files(confirming(run, tuple(reversed(own))), name) == first


def test_a_fact_is_told_with_its_evidence_and_its_rivals(judged: RunView) -> None:
    """By release, what each wrong belief would mean, where it comes from, how to see it again."""
    page = _texts(judged, "beam-skill-a")["references/facts.md"]
    fact = page.partition("## claim-002")[2].partition("## claim-004")[0]
    assert "| measured | predicted | 25.2.3 | 26.2.5.6 | 27.3.4.1 |" in fact
    assert "Wrongly believed:" in fact
    assert "; the VM showed " in fact
    assert "Check: `beamproof verify beam-skill-a --claim claim-002`" in fact
    assert "Sources: <https://" in fact


def test_what_is_not_confirmed_everywhere_is_left_out(judged: RunView) -> None:
    """Refuted or inconclusive on one release is enough; skipped says where it was seen."""
    page = _texts(judged, "beam-skill-a")["references/facts.md"]
    assert "## claim-001\n" not in page
    assert "## claim-003\n" not in page
    seen = page.partition("## claim-005")[2].partition("## claim-006")[0]
    assert "Seen on OTP 26.2.5.6 and 27.3.4.1 alone." in seen


def test_what_moved_between_releases_is_told_apart() -> None:
    """With the reason, on a list of its own."""
    moved = judging.claim(
        {"size_words": 6},
        judging.rival({"size_words": 1}),
        whens=(judging.when(">=27", {"size_words": 8}),),
    )
    skill = Skill(name=judging.SKILL, description="Words", claims=(moved,))
    texts = _texts(_judged(skill, {"25.2.3": 6, "27.3.4.1": 8}), judging.SKILL)
    front = texts["SKILL.md"].partition("## What differs by release")[2]
    assert "- It holds. <!-- claim: beam-test/law -->\n  OTP >=27: it moved\n" in front
    assert "It holds." not in texts["SKILL.md"].partition("## What differs by release")[0]
    assert "| `size_words` | `6` | `6` |  |" in texts["references/facts.md"]
    assert "| `size_words` | `8` |  | `8` |" in texts["references/facts.md"]


def _judged(skill: Skill, words: Mapping[str, int]) -> RunView:
    found = tuple(judging.seen({"size_words": size}, version=one) for one, size in words.items())
    cells = tuple(cell for one in found for cell in one.cells)
    return view(Run(path=Path(), header=judging.header(*cells), observations=found), [skill])


def test_text_that_is_markup_stays_text() -> None:
    """No statement makes a heading, a link, a tag or a second mark."""
    odd = judging.claim({"size_words": 1}, judging.rival({"size_words": 2}, "a <b>*c*</b> [d](e)"))
    odd = replace(odd, statement="<!-- claim: a/b --> _x_ of `{'$1', '_'}`\n# and a*b*c")
    skill = Skill(name=judging.SKILL, description='With "quotes": and {braces}', claims=(odd,))
    texts = _texts(_judged(skill, {"25.2.3": 1}), judging.SKILL)
    assert (
        "- \\<!-- claim: a/b --> \\_x\\_ of `{'$1', '_'}` # and a\\*b\\*c <!--" in texts["SKILL.md"]
    )
    assert 'Not so: "a \\<b>\\*c\\*\\</b> \\[d](e)"' in texts["SKILL.md"]
    assert 'description: "With \\"quotes\\": and {braces}. Facts' in texts["SKILL.md"]


def test_topics_with_the_same_words_have_pages_of_their_own() -> None:
    """And none takes the page of the sources."""
    assert page_names(["A b!", "a (B)", "Sources", "…"]) == {
        "A b!": "a-b", "a (B)": "a-b-2", "Sources": "sources-2", "…": "facts",
    }  # fmt: skip


def test_a_skill_without_a_confirmed_claim_is_refused(judged: RunView) -> None:
    """And so is one that the run knows nothing of."""
    with pytest.raises(NothingSelectedError, match="20261120T030000-aaaa confirms no claim of x"):
        skill_files(judged, "x")
    with pytest.raises(InputError, match="at most 64 characters"):
        skill_files(judged, "x" * 65)

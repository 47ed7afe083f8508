"""What sentences without marks are like, and how often that is right.

How it is measured: eight texts in the manner of public guides (`guides/*.md`, 343 sentences, 121
of them wrong) were written for this and judged by hand, sentence by sentence
(`guides/labels.toml`). A warning is right where the sentence is wrong and the belief it is compared
with says the same. Thresholds were set by hand on six of the texts; `answers` and `cluster` were
written then, and 3 of their first 6 warnings were right. What two of the others had in common
became rules: questions state nothing, and "every process that …" is not about all. The test is of
all texts together.

In the research document a warning is right where the sentence says the belief or reports it
("they claim …"); the judgements stand in `research.toml`. What nobody has judged counts as wrong.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.judging import SKILL, claim, header, observation, rival, sample

from harness.authoring.page import parse_page, read_page
from harness.claims.folder import load_skills
from harness.claims.model import Skill
from harness.documents.likeness import Beliefs, parts_of
from harness.documents.proof import known
from harness.documents.remark import Remark
from harness.documents.suggest import suggestions
from harness.documents.words import words_of
from harness.folders import default_claims_dir
from harness.run.file import assemble

HERE = Path(__file__).parent
GUIDES = HERE / "guides"
FIRST = 20
PRECISION = 0.8


@pytest.fixture(scope="module")
def beliefs() -> Beliefs:
    """Return the statements and rivals of all skills."""
    skills = load_skills(default_claims_dir())
    return Beliefs(one for skill in skills for one in skill.claims)


def warnings(path: Path, beliefs: Beliefs) -> Iterator[Remark]:
    for remark in suggestions(read_page(path), beliefs, {}):
        if remark.rule == "like-refuted":
            yield remark


def first(remarks: list[Remark]) -> list[Remark]:
    return sorted(remarks, key=lambda one: -(one.score or 0))[:FIRST]


def test_of_the_first_warnings_on_guides_four_in_five_are_right(beliefs: Beliefs) -> None:
    """By labels made by hand, over all guides."""
    labels = tomllib.loads((GUIDES / "labels.toml").read_text(encoding="utf-8"))
    found = [one for guide in labels for one in warnings(GUIDES / f"{guide}.md", beliefs)]
    chosen = first(found)
    right = [one for one in chosen if is_right(one, labels[one.path.stem]["wrong"])]
    wrong = [f"{one.score} {one.sentence} -> {one.claim}" for one in chosen if one not in right]
    assert len(chosen) == FIRST
    assert len(right) / len(chosen) >= PRECISION, "\n".join(wrong)


def is_right(remark: Remark, wrong: dict[str, str]) -> bool:
    sentence = remark.sentence or ""
    return any(
        remark.claim in claims.split()
        for begin, claims in wrong.items()
        if sentence.startswith(begin)
    )


def test_every_label_is_of_one_sentence() -> None:
    """Whoever changes a guide judges it again."""
    labels = tomllib.loads((GUIDES / "labels.toml").read_text(encoding="utf-8"))
    assert set(labels) == {path.stem for path in GUIDES.glob("*.md")}
    for guide, judged in labels.items():
        texts = [one.text for one in read_page(GUIDES / f"{guide}.md").sentences]
        for begin in (*judged["other"], *judged["wrong"]):
            assert sum(text.startswith(begin) for text in texts) == 1, begin


def test_of_the_first_warnings_on_the_research_document_four_in_five_are_right(
    beliefs: Beliefs,
) -> None:
    """By judgements made by hand."""
    judged = tomllib.loads((HERE / "research.toml").read_text(encoding="utf-8"))["right"]
    chosen = first(list(warnings(default_claims_dir() / "research.md", beliefs)))
    right = [one for one in chosen if is_right(one, judged)]
    wrong = [f"{one.score} {one.sentence} -> {one.claim}" for one in chosen if one not in right]
    assert len(chosen) >= FIRST / 2
    assert len(right) / len(chosen) >= PRECISION, "\n".join(wrong)


SIZE = replace(
    claim(
        {"largest_bytes": 64},
        rival({"largest_bytes": 128}, "A heap binary of the VM has up to 128 bytes."),
        rival({"largest_bytes": 0}, "All binaries of the VM are reference-counted."),
        name="size",
    ),
    statement="A heap binary of the VM has up to 64 bytes.",
)


def only(text: str) -> list[Remark]:
    seen = observation(sample({"largest_bytes": 64}), version="27.3.4.1", name="size")
    run = assemble(Path("run.jsonl"), (header(*seen.cells), seen), ())
    skill = Skill(name=SKILL, description="", claims=(SIZE,))
    findings = known([skill], [SIZE.name], run).findings
    return list(suggestions(parse_page(text, Path("guide.md")), Beliefs([SIZE]), findings))


def test_a_warning_says_belief_evidence_and_truth() -> None:
    """And how like the sentence is."""
    (found,) = only("A heap binary in the VM has up to 128 bytes.\n")
    assert (found.rule, found.claim, found.line) == ("like-refuted", "beam-test/size", 1)
    assert found.score is not None
    assert found.score > 0.9
    assert found.message.startswith(
        'like the refuted belief "A heap binary of the VM has up to 128 bytes." (1.00);'
        " the VM showed largest_bytes = 64 on OTP 27, where the belief wants 128; proven is"
    )


def test_what_is_proven_comes_with_the_mark_to_put_behind_it() -> None:
    """And with the releases that confirm it."""
    (found,) = only("A heap binary in the VM has up to 64 bytes.\n")
    assert found.rule == "like-proven"
    assert "confirmed on OTP 27" in found.message
    assert found.message.endswith("<!-- claim: beam-test/size -->")


@pytest.mark.parametrize(
    "text",
    [
        "A heap binary of the VM has not up to 128 bytes.\n",
        "Has a heap binary of the VM up to 128 bytes?\n",
        "# A heap binary of the VM has up to 128 bytes\n",
        "A heap binary of the VM has up to 128 bytes. <!-- claim: beam-test/size -->\n",
        "Lunch has up to 128 courses.\n",
        "```\nA heap binary of the VM has up to 128 bytes.\n```\n",
    ],
)
def test_what_says_another_thing_is_no_warning(text: str) -> None:
    """What denies it, asks it, heads a section, bears a mark, is of other things, or is code."""
    assert [one for one in only(text) if one.rule == "like-refuted"] == []


def test_every_belief_is_known_by_its_own_words(beliefs: Beliefs) -> None:
    """Also one of few words; and no statement is taken for the rival of another claim."""
    claims = [one for skill in load_skills(default_claims_dir()) for one in skill.claims]
    missed = [
        rival.statement
        for claim in claims
        for rival in claim.rivals
        if beliefs.refuted(rival.statement) is None
    ]
    wrong = [claim.name for claim in claims if beliefs.refuted(claim.statement) is not None]
    unknown = [claim.name for claim in claims if beliefs.proven(claim.statement) is None]
    assert (missed, wrong, unknown) == ([], [], [])


def test_words_are_compared_by_what_they_mean() -> None:
    """Stems, irregular verbs, numbers in words and figures, names with and without arity."""
    assert words_of("sent two 4,000-byte parts").found == words_of("sends 2 4000 bytes part").found
    assert words_of("ets:info/2").found == words_of("ets:info").found
    assert words_of("It isn't so.").denies
    assert words_of("every process").universal
    assert words_of("every process that traps exits").hedged


def test_parts_of_a_sentence_are_compared_as_well() -> None:
    """What stands in brackets may be the belief."""
    text = "They confuse it (which includes all the waiting time) with load."
    assert parts_of(text)[1:] == ("which includes all the waiting time",)

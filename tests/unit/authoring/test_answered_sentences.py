"""Answered sentences: which claims speak of which words, and what they do to them."""

from __future__ import annotations

from pathlib import Path

from support import judging

from harness.authoring.answers import answered
from harness.authoring.coverage import strays
from harness.claims.folder import load_skills
from harness.claims.model import Claim, Quote, Relation, Skill
from harness.folders import default_claims_dir

DOCUMENT = """\
# A guide

It is **said** here, too.

## 1. Words

**Summary:** Words are *eight* bytes; halves are four. All of it is in `erts`.

## 2. Bytes

It is said twice. It is said twice.
"""


def _skill(section: int | None, *claims: Claim) -> Skill:
    return Skill(name=judging.SKILL, description="", claims=claims, section=section)


def _quoting(*quotes: Quote, name: str = "law") -> Claim:
    return judging.claim({"a": 1}, name=name, quotes=quotes)


def test_a_sentence_has_its_line_its_section_and_the_quoted_words() -> None:
    """Its own marks are kept for the page; what is quoted is compared without."""
    quote = Quote(text="halves are four", relation=Relation.NARROWS, why="Not all.")
    (one,) = answered(DOCUMENT, [_skill(1, _quoting(quote))])
    assert one.section == "1. Words"
    assert one.sentence.line == 7
    assert one.sentence.raw == "Words are *eight* bytes; halves are four."
    (answer,) = one.answers
    assert answer.quote == quote
    assert answer.words == "halves are four"
    assert answer.rival is None


def test_the_words_of_a_rival_are_told_from_those_of_its_claim() -> None:
    """And those of several sentences belong to each with its own part."""
    rival = judging.rival({"a": 2}, quotes=(Quote(text="bytes; … in erts"),))
    claim = judging.claim({"a": 1}, rival, quotes=(Quote(text="Words are eight bytes"),))
    first, second = answered(DOCUMENT, [_skill(1, claim)])
    assert [(one.rival, one.words) for one in first.answers] == [
        (None, "Words are eight bytes"),
        (rival, "bytes;"),
    ]
    assert [one.words for one in second.answers] == ["in erts"]


def test_a_skill_without_a_section_quotes_the_whole_document() -> None:
    """So does one whose section is not there; sentences stand in the document's order."""
    everywhere = _quoting(Quote(text="It is said"))
    for section in (None, 9):
        found = answered(DOCUMENT, [_skill(section, everywhere)])
        assert [one.sentence.line for one in found] == [3, 11, 11]
        assert {one.section for one in found} == {""}


def test_two_skills_that_speak_of_a_sentence_are_heard_both() -> None:
    """In the order in which they are given."""
    quote = Quote(text="said twice")
    skills = [_skill(2, _quoting(quote, name=name)) for name in ("first", "second")]
    found = answered(DOCUMENT, skills)
    assert [[one.claim.id for one in each.answers] for each in found] == [["first", "second"]] * 2


def test_what_no_claim_quotes_is_not_answered() -> None:
    assert answered(DOCUMENT, [_skill(1, _quoting(Quote(text="nowhere")))]) == ()
    assert answered("", [_skill(None, _quoting(Quote(text="It is said")))]) == ()


def test_every_quote_of_the_research_document_answers_a_sentence() -> None:
    """None is lost on the way: what coverage finds, a maintainer is told."""
    claims = default_claims_dir()
    document = (claims / "research.md").read_text(encoding="utf-8")
    skills = load_skills(claims)
    told = {answer.claim.name for one in answered(document, skills) for answer in one.answers}
    assert told == {claim.name for skill in skills for claim in skill.claims if claim.answers}
    assert not [one for skill in skills for one in strays(document, skill)]


def test_a_quote_that_mends_the_document_says_why() -> None:
    """Unless the claim's own sentence says it already."""
    plain = {
        "beam-scheduler-tuning/idle-costs-nothing",
        "beam-memory-management/carriers-visible",
        "beam-observability-debugging/observer-needs-screen",
        "beam-performance-profiling/collections-in-reductions",
    }
    mute = {
        claim.name
        for skill in load_skills(Path(default_claims_dir()))
        for claim in skill.claims
        for quote in claim.answers
        if quote.relation is not Relation.PROVES and not quote.why
    }
    assert mute <= plain

"""Documents held against findings: what is confirmed where, and what changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.judging import SKILL, claim, header, observation, rival, sample

from harness.authoring.facts import signs_of
from harness.authoring.page import parse_page
from harness.claims.model import Claim, Skill
from harness.documents.accepted import Record, accept
from harness.documents.proof import Known, Proof, known, prove
from harness.run.file import assemble
from harness.run.model import Run

LAW = claim({"x_count": 1}, rival({"x_count": 2}))
NEWER = claim({"x_count": 1}, rival({"x_count": 2}), name="newer", otp=">=27")


def run(*seen: tuple[str, str, int]) -> Run:
    """Return a run of observations: claim, version of OTP, what was counted."""
    found = []
    for name, version, count in seen:
        one = observation(sample({"x_count": count}), version=version, name=name)
        newer = name == "newer" and version < "27"
        found.append(replace_cells(one, boundary=newer))
    cells = [cell for one in found for cell in one.cells]
    return assemble(Path("run.jsonl"), (header(*cells), *found), ())


def replace_cells(one: Any, *, boundary: bool) -> Any:
    return msgspec.structs.replace(one, cells=(), boundary=one.cells) if boundary else one


def knowing(*seen: tuple[str, str, int], claims: tuple[Claim, ...] = (LAW, NEWER)) -> Known:
    skill = Skill(name=SKILL, description="", claims=claims)
    return known([skill], [one.name for one in claims], run(*seen))


BOTH = knowing(("law", "25.2.3", 1), ("law", "27.3.4.1", 1))


def proof(text: str, found: Known = BOTH, **given: Any) -> Proof:
    return prove(parse_page(text, Path("guide.md")), found, **given)


def said(proof: Proof) -> list[tuple[int, str, str]]:
    hidden = {"nothing-accepted"}
    return [(one.line, one.rule, one.message) for one in proof.remarks if one.rule not in hidden]


MARKED = "It is so. <!-- claim: beam-test/law -->\n"


def test_a_confirmed_sentence_may_be_published() -> None:
    """With a note that nobody accepted it."""
    found = proof(MARKED)
    assert (found.marks, found.proven, found.blocked) == (1, 1, False)
    assert [one.rule for one in found.remarks] == ["nothing-accepted"]


def test_a_refuted_sentence_may_not() -> None:
    """The message says where and why; releases with the same reason are told together."""
    found = proof(MARKED, knowing(("law", "25.2.3", 3), ("law", "27.3.4.1", 3)))
    ((line, rule, message),) = said(found)
    assert (line, rule, found.blocked, found.proven) == (1, "not-confirmed", True, 0)
    assert message.startswith("beam-test/law is refuted on OTP 25, 27: x_count: ")


def test_every_release_that_the_document_covers_must_confirm() -> None:
    """One that was not observed is told with the command that does."""
    text = f"<!-- beamproof: otp 25-27 -->\n\n{MARKED}"
    ((line, rule, message),) = said(proof(text))
    assert (line, rule) == (3, "not-observed")
    assert message == (
        "beam-test/law was not observed on OTP 26 in this run:"
        " beamproof verify beam-test --claim 'law' --otp 26"
    )
    assert said(proof(text, covers=(25, 27))) == []


def test_a_mark_may_speak_of_fewer_releases() -> None:
    """As its sentence does; elsewhere the claim does not hold."""
    found = knowing(("newer", "25.2.3", 2), ("newer", "27.3.4.1", 1))
    text = "<!-- beamproof: otp 25,27 -->\n\nSince 27 it is so. <!-- claim: beam-test/newer{} -->\n"
    ((_, rule, message),) = said(proof(text.format(""), found))
    assert rule == "other-release"
    assert message == (
        "beam-test/newer is about OTP >=27, not about OTP 25; where the sentence says so,"
        " write its releases into the mark: otp 27"
    )
    assert said(proof(text.format(" otp 27"), found)) == []


def test_without_releases_each_observed_one_counts() -> None:
    """What lies outside of a claim's range does not; nothing observed is no proof."""
    text = "Since 27 it is so. <!-- claim: beam-test/newer -->\n"
    assert said(proof(text, knowing(("newer", "25.2.3", 2), ("newer", "27.3.4.1", 1)))) == []
    ((_, rule, message),) = said(proof(text, knowing(("newer", "25.2.3", 2))))
    assert (rule, "was not observed in this run" in message) == ("not-observed", True)
    ((_, rule, _),) = said(proof(text, knowing()))
    assert rule == "not-observed"


def test_a_claim_that_is_gone_is_told_with_what_was_meant() -> None:
    """A slip of the claim, or of the skill."""
    text = "It is so. <!-- claim: beam-test/lav -->\n\nSo is it. <!-- claim: beam-tast/newer -->\n"
    messages = [message for _, _, message in said(proof(text))]
    assert messages == [
        'there is no claim "beam-test/lav"; did you mean "beam-test/law"?',
        'there is no claim "beam-tast/newer"; did you mean "beam-test/newer"?',
    ]


def accepted(text: str) -> Record:
    return accept(parse_page(text, Path("guide.md")), BOTH.claims)


def test_an_accepted_sentence_may_be_wrapped_and_set_in_type() -> None:
    """Its words are what was accepted."""
    record = accepted(MARKED)
    text = "It *is*\nso. <!-- claim: beam-test/law -->\n"
    assert list(proof(text, record=record).remarks) == []


def test_a_sentence_that_changed_is_told_with_what_it_was() -> None:
    """And so are a mark that is new, and a claim that states something else now."""
    record = accepted(MARKED)
    mark = MARKED.removeprefix("It is so. ")
    text = f"It is not so. {mark}\nAh. {MARKED}\nOh. {mark}"
    found = said(proof("It is not so. <!-- claim: beam-test/law -->\n", record=record))
    assert [(line, rule) for line, rule, _ in found] == [(1, "changed-sentence")]
    assert 'it was "It is so." when' in found[0][2]
    found = said(proof(text, record=record))
    assert [(line, rule) for line, rule, _ in found] == [(1, "not-accepted"), (5, "not-accepted")]
    other = replace(LAW, statement="It holds twice.")
    found = said(proof(MARKED, knowing(("law", "27.3.4.1", 1), claims=(other,)), record=record))
    assert [rule for _, rule, _ in found] == ["changed-claim"]


def test_sentences_that_look_like_facts_are_listed_and_may_be_a_gate() -> None:
    """Marked ones and headings are none; above the limit the document is blocked."""
    text = f"# Never do this\n\nA word has 8 bytes. Is it always 8 bytes? Nice.\n\n{MARKED}"
    found = proof(text)
    assert (found.unproven, found.blocked) == (1, False)
    assert said(found) == [
        (3, "unproven-sentence", 'no mark proves "A word has 8 bytes." (a number with its unit)')
    ]
    assert not proof(text, max_unproven=1).blocked
    blocked = proof(text, max_unproven=0)
    assert blocked.blocked
    assert said(blocked)[0][:2] == (1, "too-many-unproven")


@pytest.mark.parametrize(
    ("sentence", "sign"),
    [
        ("The budget is 4,000 reductions.", "a number with its unit"),
        ("A NIF must return within 1 ms.", "a number with its unit"),
        ("Utilisation was at 80% then.", "a number with its unit"),
        ("The two-version limit is a number of two versions.", "a number with its unit"),
        ("Since OTP 26 maps are ordered otherwise.", "a version"),
        ("It was so in R16B as well.", "a version"),
        ("Links are always bidirectional.", '"always"'),
        ("By default nothing is traced.", '"default"'),
        ("code:purge/1 kills lingering processes.", "what a function or flag does"),
        ("The flag +sbwt none stops busy waiting.", "what a function or flag does"),
    ],
)
def test_what_looks_like_a_fact(sentence: str, sign: str) -> None:
    """Numbers with units, versions, words without exception, functions with a verb."""
    assert sign in signs_of(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "We like processes.",
        "See chapter 3 for more.",
        "Why is it always 8 bytes?",
        "It was written in 2017.",
        "Call us.",
        "Functions: ets:new/2, ets:delete/1.",
    ],
)
def test_what_does_not(sentence: str) -> None:
    """Taste, references, questions."""
    assert signs_of(sentence) == ()

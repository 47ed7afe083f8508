"""Questions for evaluations: what stands in them, and that looks do not answer them."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.confirming import confirming

from harness.claims.folder import load_skills
from harness.cli.main import run
from harness.errors import ExitCode
from harness.folders import default_claims_dir
from harness.judge.view import RunView
from harness.report.export.chooser import Question as Asked
from harness.report.export.chooser import answered, learn, seen
from harness.report.export.formats import Format, folder
from harness.report.export.questions import (
    HELDOUT,
    LETTERS,
    TRAIN,
    Question,
    questions,
    split_of,
)
from harness.report.export.sentences import forms
from harness.run.file import read_run

EVIDENCE = Path(__file__).parents[2] / "evidence"
RUN = EVIDENCE / "beam-memory-management.jsonl"
GIVEN = ("--claims", str(EVIDENCE / "claims"))
CHANCE = 1 / len(LETTERS)
MOST = CHANCE + 0.05


@pytest.fixture(scope="module")
def view() -> RunView:
    """Return a run that confirms every claim."""
    return confirming(read_run(RUN), load_skills(default_claims_dir()))


@pytest.fixture(scope="module")
def made(view: RunView) -> tuple[Question, ...]:
    """Return the questions of all skills."""
    return questions(view, "1")


def asked(made: Sequence[Question]) -> list[Asked]:
    return [(one.choices, one.answer) for one in made]


def test_somebody_who_understands_nothing_does_as_chance(made: tuple[Question, ...]) -> None:
    """Length, position and hedging words, learnt from nine tenths, asked of the last: at most 30 %.

    Weights for all that is seen, in three divisions, none of them those that questions were
    dropped by.
    """
    shares = []
    for turn in range(3):
        order = list(range(len(made)))
        random.Random(turn).shuffle(order)  # noqa: S311 - divisions, no secret
        shares.append(sum(answered(asked(made), order, 10)) / len(made))
    assert sum(shares) / len(shares) <= MOST, shares


def test_no_single_sign_tells_the_answer(made: tuple[Question, ...]) -> None:
    """The sign that is best on one half (the longest, the first, most hedges …) on the other."""
    known = [([dict(its) for its in seen(one.choices)], one.answer) for one in made]
    names = sorted({name for choices, _ in known for its in choices for name in its})
    rules = [(name, sign) for name in names for sign in (1, -1)]

    def right(rule: tuple[str, int], some: Sequence[tuple[list[dict[str, float]], int]]) -> int:
        name, sign = rule
        chosen = (
            max(range(len(it)), key=lambda at, it=it: sign * it[at].get(name, 0.0))
            for it, _ in some
        )
        return sum(at == answer for at, (_, answer) in zip(chosen, some, strict=True))

    found = 0
    for half in (0, 1):
        learnt, tested = known[half::2], known[1 - half :: 2]
        best = max(rules, key=lambda rule, learnt=learnt: right(rule, learnt))
        found += right(best, tested)
    assert found / len(made) <= MOST


def test_the_published_part_does_not_teach_the_one_held_out(made: tuple[Question, ...]) -> None:
    """No wrong belief stands in two questions, and what is learnt from one part helps as chance."""
    wrong = Counter(one.statement for it in made for one in it.metadata.wrong)
    assert max(wrong.values()) == 1
    choose = learn(asked([one for one in made if one.split == TRAIN]))
    heldout = [one for one in made if one.split == HELDOUT]
    right = sum(choose(one.choices) == one.answer for one in heldout)
    assert right / len(heldout) <= MOST + 0.1, "as far as so few questions can tell"


def test_places_and_lengths_are_even(made: tuple[Question, ...]) -> None:
    """The true one stands at each place as often, and is as often the shortest as the longest."""
    places = Counter(one.answer for one in made)
    ranks = Counter(
        sum(len(it) < len(one.choices[one.answer]) for it in one.choices) for one in made
    )
    for counts in (places, ranks):
        assert set(counts) == set(range(len(LETTERS)))
        assert max(counts.values()) - min(counts.values()) <= 1


def test_a_question_holds_a_proven_sentence_among_contradicted_ones(
    made: tuple[Question, ...], view: RunView
) -> None:
    """One rival at least is the claim's own, the others are of its skill; all four differ."""
    claims = {one.claim.name: one.claim for skill in view.skills for one in skill.claims}
    assert len(made) > 100
    for one in made:
        claim = claims[one.id]
        assert one.choices[one.answer] in forms(claim.statement)
        assert one.target == LETTERS[one.answer]
        assert len(set(one.choices)) == len(LETTERS)
        assert any(it.claim == one.id for it in one.metadata.wrong)
        for wrong in one.metadata.wrong:
            of = claims[wrong.claim]
            assert of.skill == claim.skill
            assert wrong.statement in {rival.statement for rival in of.rivals}
            assert set(one.choices) - {one.choices[one.answer]} >= {wrong.statement}
        assert one.metadata.statement == claim.statement
        assert one.metadata.sources == claim.sources
        assert all(version in one.question for version in one.metadata.releases)
        assert one.metadata.evidence


def test_the_seed_decides_choices_and_order_but_not_the_split(
    made: tuple[Question, ...], view: RunView
) -> None:
    """The same seed gives the same questions; a claim is held out under every seed, or none."""
    assert {one.id: one.split for one in made} == {one.id: split_of(one.id) for one in made}
    share = sum(one.split == HELDOUT for one in made) / len(made)
    assert 0.15 < share < 0.35
    small = RunView(run=view.run, findings=(), skills=view.skills[:2])
    assert questions(small, "1") == questions(small, "1")
    assert questions(small, "1") != questions(small, "2")


@pytest.mark.parametrize("form", [Format.INSPECT, Format.PROMPTFOO, Format.LM_EVAL])
def test_a_folder_holds_both_parts_and_what_the_tool_reads(
    form: Format, made: tuple[Question, ...]
) -> None:
    """Every question is in one of the parts; text is never taken for a template."""
    files = dict(folder(form, made))
    ending = "json" if form is Format.PROMPTFOO else "jsonl"
    for part in (TRAIN, HELDOUT):
        text = files[f"{part}.{ending}"].decode()
        own = json.loads(text) if ending == "json" else list(map(json.loads, text.splitlines()))
        assert len(own) == sum(one.split == part for one in made)
    task = {
        Format.INSPECT: "beamproof.py",
        Format.PROMPTFOO: "promptfooconfig.yaml",
        Format.LM_EVAL: "beamproof.yaml",
    }[form]
    assert b"beamproof" in files[task]


def test_the_first_clause_of_a_sentence_is_one() -> None:
    """What stands before the first colon or semicolon; never a short heading."""
    assert forms("It holds: always.") == ("It holds: always.",)
    assert forms("A port has no mailbox for messages: it has a queue; that is all.") == (
        "A port has no mailbox for messages.",
        "A port has no mailbox for messages: it has a queue; that is all.",
    )


def test_the_verb_writes_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """One question a line, and on standard error how many were left out."""
    assert run(["export", str(RUN), "--format", "jsonl", *GIVEN]) == ExitCode.CONFIRMED
    printed = capsys.readouterr()
    lines = list(map(json.loads, printed.out.splitlines()))
    assert lines
    assert lines[0].keys() >= {"id", "question", "choices", "answer", "target", "split", "metadata"}
    left = 60 - len(lines)
    assert f"{len(lines)} questions, " in printed.err
    assert f"{left} whose answer length or wording would give away" in printed.err


def test_the_verb_writes_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it wrote it replaces; what others wrote it does not."""
    words = ["export", str(RUN), "--format", "lm-eval", *GIVEN, "-o", str(tmp_path)]
    assert run(words) == ExitCode.CONFIRMED
    assert run(words) == ExitCode.CONFIRMED
    other = tmp_path / "other"
    other.mkdir()
    (other / "beamproof.yaml").write_text("by hand")
    assert run([*words[:-1], str(other)]) == ExitCode.BAD_INPUT
    assert "was not written by beamproof" in capsys.readouterr().err
    assert [path.name for path in other.iterdir()] == ["beamproof.yaml"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--format", "inspect", str(RUN)], ExitCode.BAD_INPUT, "writes several files"),
        (["--format", "csv", str(RUN)], ExitCode.BAD_INPUT, "'csv' is not one of"),
        (["--format", "jsonl", "--seed", "\udcff", str(RUN)], ExitCode.BAD_INPUT, "not UTF-8"),
        ([str(RUN)], ExitCode.BAD_INPUT, "Missing option '--format'"),
        (["--format", "jsonl", "gone.jsonl"], ExitCode.BAD_INPUT, "gone.jsonl"),
    ],
)
def test_bad_input_is_told(
    words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 4 and what to write instead."""
    assert run(["export", *words, *GIVEN]) == code
    assert said in capsys.readouterr().err


def test_a_run_that_proves_nothing_gives_no_question(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3: a run of no observation, cut short after its header."""
    path = tmp_path / "empty.jsonl"
    path.write_text(RUN.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    assert run(["export", str(path), "--format", "jsonl", *GIVEN]) == ExitCode.NOTHING_SELECTED
    assert "gives no question: left out are 60 claims that are not confirmed" in (
        capsys.readouterr().err
    )

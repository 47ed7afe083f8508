"""The file of variants: what is taken out of a probe, and which claims must fall with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.claims.model import Fall, Skill
from harness.claims.sabotage import Sabotage, load_sabotage, occurrences, read_sabotage, with_falls
from harness.errors import ClaimError
from tests.support.judging import claim

SOURCE = """-module(beam_test).
-export([law/1]).

law(_) ->
    ok = fill(Table),
    ok = wait(),
    ok = wait(),
    #{found_count => count(Table)}.
"""
SOURCES = {"beam_test": SOURCE, "beam_test_tables": "-module(beam_test_tables).\n"}
SKILL = Skill(name="beam-test", description="", claims=(claim({"found_count": 1}),))

FILE = """skill = "beam-test"

[[variant]]
id = "nothing-filled"
claims = ["law"]
clause = "that it is found"
why = "Nothing is put into the table."
[[variant.edit]]
find = '''
    ok = fill(Table),
'''
replace = '''
    ok,
'''
"""


def read(folder: Path, text: str = FILE) -> tuple[Sabotage | None, list[str]]:
    """Return what is read of a file, and the problems as they print."""
    path = folder / "beam-test.toml"
    path.write_text(text, encoding="utf-8")
    sabotage, problems = read_sabotage(path, SKILL, SOURCES)
    return sabotage, [str(problem).removeprefix(f"{path}:") for problem in problems]


def test_a_variant_holds_the_changed_text_of_its_module(tmp_path: Path) -> None:
    """Only the lines that are named are other ones."""
    sabotage, problems = read(tmp_path)
    assert problems == []
    assert sabotage is not None
    (variant,) = sabotage.variants
    assert (variant.id, variant.claims) == ("nothing-filled", ("law",))
    assert variant.clause == "that it is found"
    assert variant.sources == {"beam_test": SOURCE.replace("ok = fill(Table)", "ok")}
    assert sabotage.of("law") == (variant,)
    assert sabotage.of("other") == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("fill(Table)", "fil(Table)", "do not stand there; the nearest are from line 5 on:"),
        ("fill(Table)", "wait()", "stand there 2 times (lines 6, 7)"),
        ('["law"]', '["lav"]', 'nothing-filled: beam-test has no claim "lav"; did you mean "law"?'),
        ("[[variant.edit]]", '[[variant.edit]]\nsource = "beam_tset.erl"', "no probe source"),
        ("clause", "clauze", 'unknown key "clauze"; did you mean "clause"?'),
        ("clause", 'otp = "26"\nclause', '"26" is not a range of OTP versions'),
        ("    ok,\n", "    ok = fill(Table),\n", "find and replace are the same"),
        ('skill = "beam-test"', 'skill = "beam-other"', "in a file named"),
        ('id = "nothing-filled"', 'id = "Nothing"', "is not kebab-case"),
        ("why = ", "because = ", 'the key "why" is missing'),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    """And with what was probably meant."""
    _, problems = read(tmp_path, FILE.replace(old, new, 1))
    assert any(message in problem for problem in problems), problems
    assert all(problem.partition(":")[0].isdigit() for problem in problems)


def test_edits_that_overlap_and_ids_that_are_taken_are_refused(tmp_path: Path) -> None:
    """One text can stand in a place, and one name for one variant."""
    again = FILE.partition("[[variant.edit]]")[2]
    _, problems = read(tmp_path, f"{FILE}\n[[variant.edit]]{again}")
    assert "two edits of beam_test overlap" in problems[0]
    _, problems = read(tmp_path, FILE + FILE.partition("\n")[2])
    assert 'id "nothing-filled" is taken by line 3' in problems[0]


def test_several_edits_are_made_on_the_source_as_it_is(tmp_path: Path) -> None:
    """What one of them writes is no place for another."""
    more = "\n[[variant.edit]]\nfind = '''-export([law/1]).'''\nreplace = '''%% fill(Table)'''\n"
    sabotage, problems = read(tmp_path, FILE + more)
    assert problems == []
    assert sabotage is not None
    text = sabotage.variants[0].sources["beam_test"]
    assert "%% fill(Table)\n" in text
    assert "    ok,\n" in text


def test_whole_lines_win_over_parts_of_lines() -> None:
    """`ok.` on a line of its own is not the end of another."""
    assert occurrences("ok.", "is_ok.\nok.\n") == (7,)
    assert occurrences("ok.", "is_ok.\n") == (3,)


def test_no_file_is_no_variant_and_a_wrong_one_an_error(tmp_path: Path) -> None:
    """A skill may have none; one that cannot be read is not taken for none."""
    assert load_sabotage(tmp_path, SKILL, SOURCES).variants == ()
    (tmp_path / "sabotage").mkdir()
    (tmp_path / "sabotage" / "beam-test.toml").write_text("skill =")
    with pytest.raises(ClaimError, match="not TOML"):
        load_sabotage(tmp_path, SKILL, SOURCES)


def test_a_claim_knows_what_it_falls_without(tmp_path: Path) -> None:
    """For whoever shows it; the sources are not needed, and a wrong file says nothing."""
    (tmp_path / "sabotage").mkdir()
    path = tmp_path / "sabotage" / "beam-test.toml"
    path.write_text(FILE, encoding="utf-8")
    (skill,) = with_falls(tmp_path, [SKILL])
    assert skill.claims[0].falls == (
        Fall(
            variant="nothing-filled",
            clause="that it is found",
            why="Nothing is put into the table.",
        ),
    )
    path.write_text("skill =", encoding="utf-8")
    assert with_falls(tmp_path, [SKILL]) == (SKILL,)

"""Ranges written into claim files: nothing else moves, no comment is lost."""

from __future__ import annotations

import tomllib

import pytest

from harness.authoring.ranges import Moved, with_range, with_whens
from harness.errors import InputError

TEXT = """\
skill = "s-k"
description = "d"

# about the first
[[claim]]
id = "one"  # the name
statement = "One."
# predicted, not measured
expect.a_count = 1
expect.b_count = 2

# a wrong belief
[[claim.rival]]
statement = "None."
expect.a_count = 0

[[claim]]
id = "two"
otp = ">=25"  # since it came
statement = "Two."
expect.a_count = 1

[[claim.when]]
otp = "<26"
why = "Because."
expect.a_count = 3
# the end of it

[[claim.rival]]
statement = "None."
expect.a_count = 0
"""


def comments(text: str) -> list[str]:
    return sorted(line.partition("#")[2] for line in text.splitlines() if "#" in line)


def test_a_range_is_added_to_its_claim_alone() -> None:
    """One line more; all others stay, in their order."""
    written = with_range(TEXT, "one", ">=27")
    assert tomllib.loads(written)["claim"][0]["otp"] == ">=27"
    assert tomllib.loads(written)["claim"][1] == tomllib.loads(TEXT)["claim"][1]
    assert [line for line in written.splitlines() if line != 'otp = ">=27"'] == TEXT.splitlines()


def test_a_range_that_is_there_is_replaced_and_its_comment_stays() -> None:
    """On the same line."""
    written = with_range(TEXT, "two", ">=26,<28")
    assert 'otp = ">=26,<28"  # since it came\n' in written
    assert comments(written) == comments(TEXT)
    assert 'otp = "<26"\n' in written


def test_what_differs_stands_behind_the_claim_and_its_other_tables() -> None:
    """Before the rivals and what is said above them."""
    moved = Moved(otp="<27", why="TODO: why", values=((("a_count",), 7), (("x y", "b"), [1, "z"])))
    written = with_whens(TEXT, "one", [moved])
    (when,) = tomllib.loads(written)["claim"][0]["when"]
    assert when == {
        "otp": "<27",
        "why": "TODO: why",
        "expect": {"a_count": 7, "x y": {"b": [1, "z"]}},
    }
    assert written.index("[[claim.when]]") < written.index("# a wrong belief")
    assert comments(written) == comments(TEXT)
    written = with_whens(TEXT, "two", [moved])
    assert [one["otp"] for one in tomllib.loads(written)["claim"][1]["when"]] == ["<26", "<27"]
    assert written.index("# the end of it") < written.index('"<27"')
    assert comments(written) == comments(TEXT)


def test_a_map_is_predicted_as_a_whole() -> None:
    """Alone it would be a prediction of some of its keys."""
    moved = Moved(otp="<27", why="w", values=((("a_count",), {"b": True}),))
    (when,) = tomllib.loads(with_whens(TEXT, "one", [moved]))["claim"][0]["when"]
    assert when["expect"] == {"a_count": {"equals": {"b": True}}}


def test_a_claim_at_the_end_without_a_line_end_is_written_to() -> None:
    """As an editor may leave it."""
    text = '[[claim]]\nid = "one"\nexpect.a_count = 1'
    moved = Moved(otp="<27", why="w", values=((("a_count",), 2),))
    assert tomllib.loads(with_whens(text, "one", [moved]))["claim"][0]["when"][0]["otp"] == "<27"
    assert tomllib.loads(with_range(text, "one", "<27"))["claim"][0]["otp"] == "<27"


def test_a_claim_that_is_gone_is_said() -> None:
    """Between the search and the writing somebody may have edited the file."""
    with pytest.raises(InputError, match="the file has no claim three"):
        with_range(TEXT, "three", ">=27")


def test_nothing_found_cannot_be_written() -> None:
    """TOML has no null."""
    moved = Moved(otp="<27", why="w", values=((("a_count",), None),))
    with pytest.raises(InputError, match="no way to write"):
        with_whens(TEXT, "one", [moved])

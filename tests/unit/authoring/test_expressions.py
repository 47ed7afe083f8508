"""Expressions end at full stops, and only there."""

import pytest

from harness.authoring.expressions import expressions, is_complete, is_text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1 + 1", ("1 + 1",)),
        ("1 + 1.", ("1 + 1",)),
        ("X = 1.0. X.\n", ("X = 1.0", "X")),
        ("\"a. b\". 'c. d'. $. .", ('"a. b"', "'c. d'", "$.")),
        ("X#r.field.", ("X#r.field",)),
        ("1 % one. two\n. 2", ("1 % one. two", "2")),
        ("1.% one\n2", ("1", "% one\n2")),
        ("fun(X) ->\n    X\nend.\n\nok", ("fun(X) ->\n    X\nend", "ok")),
        ("", ()),
        (" . .% nothing\n", ()),
    ],
)
def test_a_text_is_taken_apart(text: str, found: tuple[str, ...]) -> None:
    assert expressions(text) == found


def test_a_text_is_one_or_not() -> None:
    """Bytes that no encoding explains are none."""
    assert is_text("ä \N{GRINNING FACE}")
    assert not is_text("\udcff")


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("X = 1.", True),
        ("X = 1. % done", True),
        ("", True),
        ("X = 1", False),
        ("X = 1 % not yet.", False),
        ('"a."', False),
    ],
)
def test_a_full_stop_completes(text: str, complete: bool) -> None:  # noqa: FBT001
    assert is_complete(text) is complete

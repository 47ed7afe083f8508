"""Marks that are put into a document stand where they are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.authoring.insertion import with_marks
from harness.authoring.marks import write_mark
from harness.authoring.page import parse_page

MARK = write_mark(["a/b"])


def marked(source: str) -> str:
    """Return a document with a mark behind each of its sentences."""
    page = parse_page(source, Path("guide.md"))
    text, unplaced = with_marks(source, [(one, MARK) for one in page.sentences])
    assert unplaced == ()
    return text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("One is. Two is\nnot.\n", f"One is. {MARK} Two is\nnot. {MARK}\n"),
        ("- It is **so.** Ah.\n", f"- It is **so. {MARK}** Ah. {MARK}\n"),
        ("> - quoted\n>   on.\n", f"> - quoted\n>   on. {MARK}\n"),
        ("|a|b|\n|-|-|\n| c | d |\n", f"|a|b|\n|-|-|\n| c | d {MARK} |\n"),
        ("A `x. y` is.\r\nIt goes.\r\n", f"A `x. y` is. {MARK}\r\nIt goes. {MARK}\r\n"),
        ("# Head\n\n<p>Text.</p>\n", f"# Head {MARK}\n\n<p>Text. {MARK}</p>\n"),
    ],
)
def test_a_mark_stands_behind_its_sentence(source: str, expected: str) -> None:
    """In its line, in list, quote, table and HTML; nothing else changes."""
    assert marked(source) == expected


@given(
    st.lists(
        st.sampled_from(
            ["One is so.", "`Two.` is\nit.", "*Three* & &amp; more.", "- item", "> quote. End.", ""]
        )
    )
)
def test_each_sentence_has_its_mark_when_it_is_read_again(parts: list[str]) -> None:
    """And its words are those that it had."""
    source = "\n".join(parts)
    before = parse_page(source, Path("guide.md")).sentences
    after = parse_page(marked(source), Path("guide.md")).sentences
    assert [one.text for one in after] == [one.text for one in before]
    assert all([mark.names for mark in one.marks] == [("a/b",)] for one in after)


def test_a_sentence_that_is_not_there_is_told() -> None:
    """The document is another one than was read."""
    (sentence,) = parse_page("One is.\n", Path("guide.md")).sentences
    assert with_marks("Two was.\n", [(sentence, MARK)]) == ("Two was.\n", (sentence,))

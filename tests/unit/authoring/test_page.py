"""A document as sentences with their lines and marks."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.authoring.marks import Mark, read_mark, write_mark
from harness.authoring.page import MOST_BYTES, Page, parse_page, read_page
from harness.errors import InputError


def page(text: str) -> Page:
    return parse_page(text, Path("guide.md"))


def marked(text: str) -> list[tuple[int, str, list[str]]]:
    return [
        (one.line, one.text, [name for mark in one.marks for name in mark.names])
        for one in page(text).sentences
    ]


def faults(text: str) -> list[tuple[int, str]]:
    return [(fault.line, fault.rule) for fault in page(text).faults]


def test_a_mark_belongs_to_the_sentence_before_it() -> None:
    """In the line, before or behind the full stop, on a line of its own, several of them."""
    text = """\
One is *so*. <!-- claim: a/b --> Two is `so`,
and so on <!-- claim: a/c, a/d -->. Three
is long.
<!-- claim: a/e -->
Four etc. <!-- claim: a/f --> And five.

Six.

<!-- claim: a/g -->
<!-- claim: a/h -->
"""
    assert marked(text) == [
        (1, "One is so.", ["a/b"]),
        (1, "Two is so, and so on .", ["a/c", "a/d"]),
        (2, "Three is long.", ["a/e"]),
        (5, "Four etc.", ["a/f"]),
        (5, "And five.", []),
        (7, "Six.", ["a/g", "a/h"]),
    ]
    assert faults(text) == []


def test_a_mark_may_be_a_link_definition() -> None:
    """It renders to nothing; without an empty line before it it would be text, which is told."""
    text = (
        'One.\n\n[//]: # (claim: a/b)\n[x]: # "claim: a/c otp 27"\n\nTwo.\n[//]: # (claim: a/d)\n'
    )
    assert [(line, names) for line, _, names in marked(text)] == [(1, ["a/b", "a/c"]), (6, [])]
    assert page(text).sentences[0].marks[1].releases == (27,)
    assert faults(text) == [(7, "bad-mark")]


def test_blocks_are_read_as_they_are_rendered() -> None:
    """Headings, items, quotes, rows, HTML and images are sentences; code and heads are none."""
    text = """\
# Head <!-- claim: a/a -->

- item *one*
  goes on. <!-- claim: a/b -->
  1. inner one

> quoted. <!-- claim: a/c -->

| what | how much |
|---|---:|
| border | 64&nbsp;bytes <!-- claim: a/d --> |

<details><summary>More</summary>
<p>In HTML
it is so.</p> <!-- claim: a/e -->
<pre>not this</pre></details>

```
code is none.
```

See ![a picture](p.png), <b>bold</b> and [a link](http://x.y "of
two. Lines"). End.
"""
    assert marked(text) == [
        (1, "Head", ["a/a"]),
        (3, "item one goes on.", ["a/b"]),
        (5, "inner one", []),
        (7, "quoted.", ["a/c"]),
        (11, "border | 64 bytes", ["a/d"]),
        (13, "More", []),
        (14, "In HTML it is so.", ["a/e"]),
        (22, "See a picture, bold and a link.", []),
        (23, "End.", []),
    ]
    assert page(text).sentences[0].heading


def test_code_ends_no_sentence_and_may_begin_one() -> None:
    """What stands in code spans is no punctuation."""
    text = "It calls `foo. Bar` at 1.5 ms, e.g. `x`. `ets:new/2` returns.\n"
    assert [text for _, text, _ in marked(text)] == [
        "It calls foo. Bar at 1.5 ms, e.g. x.",
        "ets:new/2 returns.",
    ]


@pytest.mark.parametrize(
    ("text", "covers"),
    [
        ("---\ntitle: x\nbeamproof: otp 25-27\n---\nText.\n", (25, 26, 27)),
        ('---\nmetadata:\n  beamproof: "otp 25,27"\n---\nText.\n', (25, 27)),
        ("---\ntitle: beamproof\n---\nText.\n", None),
        ("Text.\n\n<!-- beamproof: otp 27 -->\n", (27,)),
        ("Text.\n", None),
    ],
)
def test_a_document_says_which_releases_it_covers(text: str, covers: object) -> None:
    """In front matter, also below `metadata`, or in a mark."""
    assert page(text).covers == covers
    assert faults(text) == []


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("<!-- claim: a/b -->\n", 1, "nothing stands before it"),
        ("One.\n\n```\nx\n```\n\n<!-- claim: a/b -->\n", 7, "code stands before it"),
        ("| a |\n|---|\n| b |\n\n<!-- claim: a/b -->\n", 5, "put it into the row"),
        ("| a <!-- claim: a/b --> |\n|---|\n| b |\n", 1, "the head of a table"),
        ("One.\n\n# <!-- claim: a/b --> Two\n", 3, "nothing stands before it"),
        ("One. <!-- claim: b -->\n", 1, "write <!-- claim: SKILL/CLAIM -->"),
        ("One. <!-- claims: a/b -->\n", 1, "is no mark"),
        ("One.\nTwo. <!-- claim a/b -->\n", 2, "is no mark"),
        ("One. <!-- claim: a/b otp 27-25 -->\n", 1, "runs backwards"),
        ("One.\n\n<!-- beamproof: 27 -->\n", 3, "says no releases"),
        ("<!-- beamproof: otp 27 -->\n\n<!-- beamproof: otp 26 -->\n", 3, "line 1 says already"),
        ("---\nbeamproof: 27\n---\n", 1, "write beamproof: otp 25-27"),
        ("---\nbeamproof: [\n---\n", 1, "the front matter is no YAML"),
    ],
)
def test_a_mark_that_marks_nothing_is_told(text: str, line: int, said: str) -> None:
    """With its line, and how it is written."""
    (fault,) = page(text).faults
    assert fault.line == line
    assert said in fault.message


def test_a_mark_in_code_marks_nothing() -> None:
    """It is shown to the reader; the page says so, and where."""
    mark = "<!-- claim: a/b -->"
    text = f"One `{mark}`.\n\n```html\nx\n{mark}\n```\n\n    {mark}\n"
    assert [names for _, _, names in marked(text)] == [[]]
    assert faults(text) == [(1, "mark-in-code"), (5, "mark-in-code"), (8, "mark-in-code")]


def test_other_comments_are_left_alone() -> None:
    """Of other tools, and of people."""
    assert faults("One. <!-- TODO: a claim of ours --> Two. <!-- prettier-ignore -->\n") == []


def test_a_mark_is_read_as_it_is_written() -> None:
    """Also with releases of its own."""
    written = write_mark(["a-b/c-d", "e/f"], otp="26-27")
    found = read_mark(written.removeprefix("<!--").removesuffix("-->"), 1)
    assert found == Mark(names=("a-b/c-d", "e/f"), releases=(26, 27), line=1)


def test_a_document_of_another_encoding_is_refused(tmp_path: Path) -> None:
    """With line and place, and how to convert it; the mark of byte order is none."""
    path = tmp_path / "guide.md"
    path.write_bytes("Eins.\nZwölf.\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"guide\.md:2: not UTF-8: .* at byte 8") as error:
        read_page(path)
    assert "iconv" in str(error.value)
    path.write_bytes("\ufeff# Zwölf\r\n\r\nEins ist so.\r\n".encode())
    assert [one.text for one in read_page(path).sentences] == ["Zwölf", "Eins ist so."]


def test_a_huge_document_is_refused_at_once(tmp_path: Path) -> None:
    """With the limit and the next step."""
    path = tmp_path / "guide.md"
    path.write_bytes(b"ETS counts words.\n\n" * (10 * 1024**2 // 19))
    began = time.process_time()
    with pytest.raises(InputError, match=r"10\.0 MiB: documents of up to 2 MiB are read"):
        read_page(path)
    assert time.process_time() - began < 1
    assert MOST_BYTES == 2 * 1024**2


@pytest.mark.parametrize(
    "sign", ["[", "> ", "- ", "`", "<!-- ", "*a ", "a\n", "<p>a. ", "<!--x-->"]
)
def test_no_document_takes_longer_than_it_is_large(sign: str) -> None:
    """Nested, unclosed or endless: 10 kB take a second or two at the very most."""
    began = time.process_time()
    page(sign * (10_000 // len(sign)))
    page("A." + sign * (10_000 // len(sign)))
    assert time.process_time() - began < 4


@given(st.text(alphabet='ab.A `*_<>!-#|[]()\n"&;:/', max_size=80))
def test_any_text_is_a_page(text: str) -> None:
    """Lines lie in the document and never go back."""
    lines = text.count("\n") + 1
    for one in page(text).sentences:
        assert 1 <= one.line <= one.end_line <= lines
        assert one.text == one.text.strip() != ""


@given(
    st.lists(st.sampled_from(["A is 1.", "`B. C` is\n2.", "*D* & &amp; \\* e.", "![f](g) Hay."]))
)
def test_lines_are_those_of_the_source(parts: list[str]) -> None:
    """Whatever stands before a sentence."""
    text = "\n".join(f"Nr. {number} {part} End{number}." for number, part in enumerate(parts))
    found = {one.text: one.line for one in page(text).sentences}
    for number in range(len(parts)):
        place = text.index(f"End{number}.")
        assert found[f"End{number}."] == text.count("\n", 0, place) + 1

"""The document: its sentences, what covers them, what is left."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.judging import claim, rival

from harness.authoring.coverage import Row, Status, coverage, strays
from harness.authoring.document import occurrences, read_section, section_numbers
from harness.authoring.sentences import fold
from harness.claims.model import Quote, Skill, Untestable
from harness.errors import InputError
from harness.folders import default_claims_dir

DOCUMENT = """\
# Title

Introduction that says a word.

## 3. `other`

**Description:** Something else.

---

## 4. `beam-test`

**Description:** Heaps, binaries, and `fullsweep_after` tuning.

**Evidence sources:**
- A page: https://example.org/a. It is no statement.
- Another: https://example.org/b

**Pain point summary:** The **64-byte threshold** is in use (see e.g. `erl_bits.h`, vs. Node.js). \
Sub-binaries keep 10MB alive — "for ever." Some teams see 2GB.

**Testability:** **High.** Can test `hibernate/3`. `recon:bin_leak/1` is testable.

---

## 5. `beam-next`

**Description:** Not this one.
"""


def skill(*quotes: str, untestable: tuple[str, ...] = (), **fields: Any) -> Skill:
    claims = tuple(
        claim({"x_count": 1}, name=f"law-{n}", quotes=(Quote(text=quote),))
        for n, quote in enumerate(quotes)
    )
    entries = (Untestable(quotes=untestable, reason="About teams."),) if untestable else ()
    return Skill(name="beam-test", description="", claims=claims, untestable=entries, **fields)


def rows(*quotes: str, untestable: tuple[str, ...] = ()) -> dict[str, Row]:
    found = coverage(DOCUMENT, 4, skill(*quotes, untestable=untestable))
    return {row.text[:12]: row for row in found}


def test_a_section_is_split_into_its_statements() -> None:
    """Abbreviations, names with dots and quoted full stops do not end sentences; links are none."""
    section = read_section(DOCUMENT, 4)
    assert section is not None
    assert [(one.part, one.line, one.text) for one in section.sentences] == [
        ("Description", 13, "Heaps, binaries, and fullsweep_after tuning."),
        (
            "Pain point summary",
            19,
            "The 64-byte threshold is in use (see e.g. erl_bits.h, vs. Node.js).",
        ),
        ("Pain point summary", 19, 'Sub-binaries keep 10MB alive - "for ever."'),
        ("Pain point summary", 19, "Some teams see 2GB."),
        ("Testability", 21, "High."),
        ("Testability", 21, "Can test hibernate/3."),
        ("Testability", 21, "recon:bin_leak/1 is testable."),
    ]
    assert [one.text for one in section.sentences if not one.statement] == [
        "Heaps, binaries, and fullsweep_after tuning.",
        "High.",
    ]
    assert section_numbers(DOCUMENT) == (3, 4, 5)
    assert read_section(DOCUMENT, 9) is None


def test_sections_of_the_real_document_are_split_without_fragments() -> None:
    """Each statement of all ten sections begins and ends as a sentence does."""
    text = (default_claims_dir() / "research.md").read_text(encoding="utf-8")
    assert section_numbers(text) == tuple(range(1, 11))
    for number in section_numbers(text):
        section = read_section(text, number)
        assert section is not None
        assert {one.part for one in section.sentences} == {
            "Description",
            "Pain point summary",
            "Community reach",
            "Testability",
            "Why LLMs fail",
        }
        for sentence in section.sentences:
            assert sentence.text.rstrip("\"')").endswith((".", "!", "?")), sentence
            assert sentence.text.count("(") == sentence.text.count(")"), sentence
            assert "http" not in sentence.text
            first, end = sentence.span
            assert section.text[first:end] == sentence.text


def test_a_quote_covers_its_sentence() -> None:
    """Marks, white space, dashes, case and the words around statements do not matter."""
    found = rows(
        "the **64-byte threshold** is in use\n (see e.g. `erl_bits.h`, vs. Node.js)",
        'sub-binaries keep 10MB alive -- "for ever."'.replace("--", "—"),
    )
    assert found["The 64-byte "].status is Status.COVERED
    assert found["Sub-binaries"].status is Status.COVERED
    assert found["Sub-binaries"].by == ("law-1",)
    assert found["Some teams s"].status is Status.UNCOVERED
    assert found["Some teams s"].remainder == ()


def test_what_a_quote_leaves_over_is_shown() -> None:
    """Filler is no remainder; more than a few words make the sentence partly covered."""
    found = rows("keep 10MB")
    assert found["Sub-binaries"].status is Status.PARTLY
    assert found["Sub-binaries"].remainder == ("Sub-binaries", 'alive - "for ever')
    found = rows("sub-binaries keep 10MB alive")
    assert found["Sub-binaries"].status is Status.COVERED
    assert found["Sub-binaries"].remainder == ("for ever",)


def test_an_ellipsis_leaves_words_out() -> None:
    """The pieces must follow each other; an ellipsis at the end is only a cut."""
    assert rows("Sub-binaries … alive")["Sub-binaries"].by == ("law-0",)
    assert rows("Sub-binaries keep 10MB alive ...")["Sub-binaries"].status is Status.COVERED
    assert strays(DOCUMENT, skill("tuning … Heaps, binaries"))


def test_a_quote_may_span_sentences_and_begin_with_the_label() -> None:
    """Authors copy what they see."""
    found = rows("**Testability:** **High.** Can test `hibernate/3`. `recon:bin_leak/1` is")
    assert found["Can test hib"].status is Status.COVERED
    assert found["recon:bin_le"].status is Status.COVERED


def test_untestable_words_are_told_from_covered_ones() -> None:
    """A sentence is untestable only if no claim quotes any of it."""
    found = rows(untestable=("Some teams see 2GB.",))
    assert found["Some teams s"].status is Status.UNTESTABLE
    found = rows("see 2GB", untestable=("Some teams",))
    assert found["Some teams s"].status is Status.COVERED
    assert found["Some teams s"].by == ("law-0", "untestable")


def test_quotes_of_rivals_count() -> None:
    """It is the document that is wrong, often enough."""
    wrong = claim(
        {"x_count": 1}, rival({"x_count": 2}, quotes=(Quote(text="Some teams see 2GB."),))
    )
    one = Skill(name="beam-test", description="", claims=(wrong,))
    covered = [row.by for row in coverage(DOCUMENT, 4, one) if row.status is Status.COVERED]
    assert covered == [("law",)]


def test_words_that_the_document_does_not_have_are_strays() -> None:
    """Quotes from other sections are none, inventions are."""
    one = skill("Introduction that says", "the document never said this")
    assert [quote.text for quote in strays(DOCUMENT, one)] == ["the document never said this"]


def test_an_unknown_section_is_refused() -> None:
    """The message names those there are."""
    with pytest.raises(InputError, match="no section 9") as error:
        coverage(DOCUMENT, 9, skill())
    assert error.value.hint == "its sections: 3, 4, 5"


@given(st.text(alphabet=" \n\t*`_ab.—“”'", max_size=40))
def test_folding_twice_changes_nothing(text: str) -> None:
    """Folded text is found in folded text."""
    once = fold(text)
    assert fold(once).replace("_", "") == once.replace("_", "")
    assert "  " not in once


@given(st.integers(0, 100), st.integers(1, 60))
def test_every_piece_of_the_section_is_found_where_it_stands(start: int, length: int) -> None:
    """What is copied from the folded text is found at its place, among others."""
    section = read_section(DOCUMENT, 4)
    assert section is not None
    piece = section.text[start : start + length]
    if fold(piece) == piece and piece:
        assert (start, start + len(piece)) in occurrences(piece, section.text)


def test_the_document_lies_beside_the_claims() -> None:
    """Lint works on any checkout."""
    assert (Path(default_claims_dir()) / "research.md").is_file()

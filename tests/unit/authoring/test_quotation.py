"""A quote is a sentence or an independent clause; lint says where it is not."""

from __future__ import annotations

import pytest

from harness.authoring.coverage import quotes
from harness.authoring.document import Section, read_section
from harness.authoring.lint import DOCUMENT as DOCUMENT_NAME
from harness.authoring.quotation import fault_of
from harness.claims.folder import load_skills
from harness.folders import default_claims_dir

DOCUMENT = """## 4. `beam-test`

**Description:** Heaps, binaries, and why teams avoid tables.

**Pain point summary:** Sub-binaries keep 10MB alive — a copy of the part releases them. It does
**not** shrink the heap (it compacts it), but most developers think so. They confuse heaps (young
and old) with stacks. One warns that "it is madness."

**Testability:** **High.** Can test `hibernate/3`.
"""


@pytest.fixture
def section() -> Section:
    """Return a section with every sort of sentence."""
    found = read_section(DOCUMENT, 4)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "quote",
    [
        "Sub-binaries keep 10MB alive",
        "a copy of the part releases them.",
        "It does **not** shrink the heap (it compacts it), but most developers think so.",
        "most developers think so",
        "it compacts it",
        "They confuse heaps … with stacks.",
        'One warns that "it is madness."',
        "Can test `hibernate/3`.",
        "**High.** Can test `hibernate/3`.",
        "words that are not there at all",
    ],
)
def test_a_sentence_or_clause_is_fine(section: Section, quote: str) -> None:
    """Also with its label, with an ellipsis within it, in brackets; a stray is said elsewhere."""
    assert fault_of(quote, section) is None


@pytest.mark.parametrize(
    ("quote", "fault"),
    [
        ("**High.**", "value of a label"),
        ("why teams avoid tables", "value of a label"),
        ("keep 10MB alive", "begins in the middle"),
        ("Sub-binaries keep", "ends in the middle"),
        ("young and old", "is no clause"),
    ],
)
def test_words_out_of_one_are_not(section: Section, quote: str, fault: str) -> None:
    """Headings, ratings and topics state nothing, and half a clause says something else."""
    found = fault_of(quote, section)
    assert found is not None
    assert fault in found


def test_the_quotes_of_every_shipped_claim_are_whole() -> None:
    """Sentences and clauses of the document, nothing hung on the nearest claim."""
    claims = default_claims_dir()
    document = (claims / DOCUMENT_NAME).read_text(encoding="utf-8")
    for skill in load_skills(claims):
        own = read_section(document, skill.section or 0)
        assert own is not None
        claimed = [quote for quote in quotes(skill) if not quote.untestable]
        assert [one for one in claimed if fault_of(one.text, own) is not None] == []

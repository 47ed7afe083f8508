"""The matrix: which cells there are, and why one is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.claims.model import Claim, Skill
from harness.run.cells import Column, Need
from harness.verify.plan import Selection, build, unknown_patterns, why_left_out

A = Claim(skill="s-k", id="a-one", statement="A.", expect=(), probe="a_one")
B = Claim(skill="s-k", id="b-two", statement="B.", expect=(), probe="b_two", otp=">=26")
C = Claim(
    skill="s-k", id="c-nif", statement="C.", expect=(), probe="c_nif", needs=frozenset({Need.NIF})
)
SKILL = Skill(name="s-k", description="", section=1, claims=(A, B, C), path=Path("s-k.toml"))
OTP25 = Column(name="otp25", release=25, otp_version="25.2.3")
OTP27 = Column(name="otp27", release=27, otp_version="27.3.4.1", unmet={Need.NIF: "no C compiler"})
GONE = Column(name="otp26", release=26, reason="no package")


def test_cells_come_claim_by_claim_and_release_by_release() -> None:
    """The order is that of the claim file."""
    found = build([SKILL], [OTP25, OTP27], Selection())
    assert [cell.id for cell in found.cells] == [
        "s-k/a-one@otp25",
        "s-k/a-one@otp27",
        "s-k/b-two@otp25",
        "s-k/b-two@otp27",
        "s-k/c-nif@otp25",
    ]


def test_a_cell_outside_the_range_of_its_claim_is_a_boundary_cell() -> None:
    """It runs as well: the claim must not hold there."""
    found = build([SKILL], [OTP25, OTP27], Selection())
    assert [cell.id for cell in found.cells if cell.boundary] == ["s-k/b-two@otp25"]
    assert why_left_out(B, OTP25) == "the claim is about OTP >=26"


def test_what_is_left_out_has_its_reason() -> None:
    """Nothing is left out silently: range, need and missing release are told apart."""
    found = build([SKILL], [OTP25, GONE, OTP27], Selection())
    reasons = {out.cell: out.reason for out in found.left_out}
    assert reasons["s-k/c-nif@otp27"] == "no C compiler"
    assert reasons["s-k/a-one@otp26"] == "no package"
    assert len(found.cells) + len(found.left_out) == 9


@pytest.mark.parametrize(
    ("pattern", "cells"),
    [
        ("a-one", ["s-k/a-one@otp25", "s-k/a-one@otp27"]),
        ("s-k/a-*", ["s-k/a-one@otp25", "s-k/a-one@otp27"]),
        ("*@otp25", ["s-k/a-one@otp25", "s-k/b-two@otp25", "s-k/c-nif@otp25"]),
        ("[!ab]*", ["s-k/c-nif@otp25"]),
        ("s-k/a-one@otp27", ["s-k/a-one@otp27"]),
    ],
)
def test_a_pattern_narrows_by_claim_skill_or_cell(pattern: str, cells: list[str]) -> None:
    """One name is enough to find a cell."""
    found = build([SKILL], [OTP25, OTP27], Selection(claims=(pattern,)))
    assert [cell.id for cell in found.cells] == cells


def test_cells_can_be_named_one_by_one() -> None:
    """A list of cells, as --failed makes it, selects just those."""
    wanted = Selection(cells=frozenset({"s-k/a-one@otp27"}))
    assert [cell.id for cell in build([SKILL], [OTP25, OTP27], wanted).cells] == ["s-k/a-one@otp27"]


def test_a_pattern_that_fits_nothing_is_answered_with_what_was_meant() -> None:
    """A slip of the finger is an error that helps."""
    assert unknown_patterns([SKILL], ["a-on"]) == [
        '--claim a-on: no such claim; did you mean "a-one"?'
    ]
    assert unknown_patterns([SKILL], ["b-two@otp25", "*"]) == []


def test_repetition_and_deadline_can_be_overridden() -> None:
    """What the command line says stands above the claim."""
    found = build([SKILL], [OTP25], Selection()).overridden(repeat=7, timeout_s=1.5)
    assert {(cell.call.repeat, cell.call.timeout_s) for cell in found.cells} == {(7, 1.5)}
    assert build([SKILL], [OTP25], Selection()).overridden(repeat=None, timeout_s=None).cells

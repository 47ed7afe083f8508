"""How each verdict looks, in every format.

Knows: verdicts, and what a check came to. Must not know: any format but what its marks are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.judge.finding import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Hold how one verdict is shown.

    `sign` is its character in a terminal and `style` its look there, `symbol` its character on a
    page, `emoji` that in Markdown; `colour` is the ground of a badge, on which white text has a
    contrast of at least 4.5.
    """

    sign: str
    style: str
    symbol: str
    emoji: str
    colour: str


MARKS: Final = {
    Verdict.CONFIRMED: Mark(sign="✔", style="green", symbol="✓", emoji="✅", colour="#136c33"),
    Verdict.REFUTED: Mark(sign="✘", style="bold red", symbol="✗", emoji="❌", colour="#b01818"),
    Verdict.INCONCLUSIVE: Mark(sign="?", style="yellow", symbol="?", emoji="❓", colour="#8a5a00"),
    Verdict.SKIPPED: Mark(
        sign="-",
        style="dim",
        symbol="\N{EN DASH}",
        emoji="\N{HEAVY MINUS SIGN}",
        colour="#5b5b63",
    ),
}
"""In the order in which counts are told."""


def mark_of(holds: bool | None) -> Mark:  # noqa: FBT001  three values of one check
    """Return the mark of a check: it holds, it does not, or (None) it is undecided."""
    if holds is None:
        return MARKS[Verdict.INCONCLUSIVE]
    return MARKS[Verdict.CONFIRMED if holds else Verdict.REFUTED]

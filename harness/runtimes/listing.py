"""What can be had on this machine, release by release and way by way; nothing is fetched.

Knows: the ways' own answers to "is it here?" and "could it be?". Must not know: which ways there
are, how a list is printed.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.runtimes import table, ways
from harness.runtimes.model import RuntimeOptions
from harness.runtimes.way import Offer, Stock


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Hold one release with what every way offers of it."""

    release: int
    in_range: bool
    offers: tuple[Offer, ...]

    @property
    def available(self) -> bool:
        """Tell whether any way has it or could fetch it."""
        return any(offer.stock is not Stock.NONE for offer in self.offers)


def survey(options: RuntimeOptions) -> tuple[Listed, ...]:
    """Return what can be had of every release of the table and of the machine, oldest first.

    Raises:
        InputError: a folder named by the user has no VM in it.
        RuntimeMissingError: an image named by the user is not here.
    """
    every = ways.all_ways(options, lambda _line: None)
    here = {release for way in every for release in way.releases()}
    rows = {row.otp: row for row in table.releases()}
    rows |= {release: table.find(release) for release in here - rows.keys()}
    return tuple(
        Listed(
            release=row.otp,
            in_range=row.in_range,
            offers=tuple(way.offer(row.otp) for way in every),
        )
        for _, row in sorted(rows.items())
    )

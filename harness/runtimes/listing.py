"""What can be had on this machine, release by release and way by way; nothing is fetched.

Knows: the ways' own answers to "is it here?" and "could it be?". Must not know: how it is printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.errors import BeamproofError
from harness.runtimes import host, table
from harness.runtimes.debian import mirror
from harness.runtimes.debian import tree as debian
from harness.runtimes.docker import engine
from harness.runtimes.model import RuntimeOptions, Way


class Stock(StrEnum):
    """Say whether a release is here, could be fetched, or neither."""

    HERE = "here"
    FETCHABLE = "can be fetched"
    NONE = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Hold what one way has of a release: in stock or not, and which exactly."""

    way: Way
    stock: Stock
    what: str = ""


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
    """Return what can be had of every release of the table and of the host, oldest first.

    Raises:
        InputError: a folder named by the user has no VM in it.
    """
    installs = host.find(options.otp_roots, options.cache_dir)
    rows = {row.otp: row for row in table.releases()}
    rows |= {
        item.release: table.find(item.release) for item in installs if item.release not in rows
    }
    fetchable = _mirror_known()
    return tuple(
        Listed(
            release=row.otp,
            in_range=row.in_range,
            offers=(
                _docker(row, fetchable=fetchable),
                _host(row.otp, installs),
                _debian(row, options, fetchable=fetchable),
            ),
        )
        for _, row in sorted(rows.items())
    )


def _docker(row: table.Release, *, fetchable: bool) -> Offer:
    if not engine.state().answers:
        return Offer(way=Way.DOCKER, stock=Stock.NONE)
    from harness.runtimes.docker import images  # noqa: PLC0415 - only when an engine answers

    try:
        image = images.local(row.otp)
    except BeamproofError:
        return Offer(way=Way.DOCKER, stock=Stock.NONE)
    if image is not None:
        return Offer(way=Way.DOCKER, stock=Stock.HERE, what=image.reference)
    if row.debian is not None and fetchable:
        what = f"otp install {row.otp} --docker"
        return Offer(way=Way.DOCKER, stock=Stock.FETCHABLE, what=what)
    return Offer(way=Way.DOCKER, stock=Stock.NONE, what=f"needs {row.image}")


def _host(release: int, installs: Sequence[host.Install]) -> Offer:
    for install in installs:
        if install.release == release:
            return Offer(
                way=Way.HOST, stock=Stock.HERE, what=f"{install.version} in {install.root}"
            )
    return Offer(way=Way.HOST, stock=Stock.NONE)


def _debian(row: table.Release, options: RuntimeOptions, *, fetchable: bool) -> Offer:
    if (tree := debian.installed(options.cache_dir, row.otp)) is not None:
        return Offer(way=Way.DEBIAN, stock=Stock.HERE, what=tree.manifest.otp_version)
    if row.debian is None or not fetchable:
        return Offer(way=Way.DEBIAN, stock=Stock.NONE)
    return Offer(way=Way.DEBIAN, stock=Stock.FETCHABLE, what=f"from {row.debian}")


def _mirror_known() -> bool:
    try:
        mirror.find_source()
    except BeamproofError:
        return False
    return True

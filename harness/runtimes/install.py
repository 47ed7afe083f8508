"""Fetch a release ahead of use, and remove it again.

Knows: that ways fetch. Must not know: which, or how any of them does it.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import RuntimeMissingError
from harness.runtimes import table, ways
from harness.runtimes.docker import engine
from harness.runtimes.model import RuntimeOptions
from harness.runtimes.way import Progress, Way


def check(releases: Sequence[int], *, as_image: bool) -> None:
    """Refuse, before anything is fetched, what cannot be had.

    Raises:
        RuntimeMissingError: nobody packages the release, or no engine answers.
    """
    fetched = tuple(row.otp for row in table.releases() if row.debian or row.wheel)
    for release in releases:
        if release not in fetched and not as_image:
            raise RuntimeMissingError(
                f"there are no packages of OTP {release}"
                f" (there are of {', '.join(map(str, fetched))})",
                hint=f"beamproof otp install {release} --docker pulls {table.find(release).image}",
            )
    state = engine.state()
    if as_image and not state.answers:
        raise RuntimeMissingError(
            f"an image needs a container engine: {state.reason}", hint="beamproof doctor"
        )


def install(
    options: RuntimeOptions, release: int, *, as_image: bool, progress: Progress
) -> tuple[str, ...]:
    """Make a release ready and return, in words, as what.

    Raises:
        RuntimeMissingError: it cannot be had here.
        InfrastructureError: mirror, registry or engine fail.
        StorageError: the cache cannot be written or is full.
    """
    every = ways.all_ways(options, progress)
    done = [way.fetch(release) for way in every if not way.takes_images and way.fetches(release)]
    if as_image:
        done += [way.fetch(release) for way in every if way.takes_images]
    return tuple(done)


def remove(options: RuntimeOptions, release: int) -> tuple[str, ...]:
    """Remove what was fetched of a release, and say in words what was removed."""
    every: tuple[Way, ...] = ways.all_ways(options, lambda _line: None)
    return tuple(said for way in every if (said := way.remove(release)) is not None)

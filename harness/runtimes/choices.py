"""What could be asked, oldest first, without having any of it yet: for verbs that ask few of many.

Knows: lists of patch releases, releases that could be fetched. Must not know: what is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.run import versions
from harness.runtimes import patches, table
from harness.runtimes.model import Resolved, RuntimeOptions
from harness.runtimes.resolve import resolve, ways_for
from harness.runtimes.wanted import ALL, Patches, Wanted
from harness.runtimes.way import Patch, Progress, Stock, Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Hold a release or patch release and how it is had; `version` is full where that is known."""

    version: str
    have: Callable[[], Resolved] = field(repr=False, compare=False)


def choices(
    asked: Sequence[Wanted] | None, *, way: str, options: RuntimeOptions, progress: Progress
) -> tuple[Choice, ...]:
    """Return what is asked for, each version once; without, all that is here or in range.

    A whole release is the newest patch release of it that the first way has here, or what is
    fetched for it.

    Raises:
        InputError: the way is unknown, or what the user named has no VM in it.
        RuntimeMissingError: an image named by the user cannot be had.
    """
    chosen = ways_for(way, options, progress)
    there, _ = patches.listed(chosen)
    finder = _Finder(chosen, there, way, options, progress)
    found: dict[str, Choice] = {}
    for one in finder.default() if asked is None else asked:
        for choice in finder.release(one) if isinstance(one, int) else finder.of(one):
            found.setdefault(choice.version, choice)
    return tuple(sorted(found.values(), key=lambda choice: versions.key(choice.version)))


@dataclass(frozen=True, slots=True)
class _Finder:
    chosen: Sequence[Way]
    there: Sequence[Patch]
    way: str
    options: RuntimeOptions
    progress: Progress

    def default(self) -> list[Wanted]:
        """Return every patch release that is here, and releases in range that can be fetched."""
        here = {versions.key(one.version)[0][0] for one in self.there}
        more = [
            release
            for release in table.in_range()
            if release not in here and any(_fetches(way, release) for way in self.chosen)
        ]
        return [ALL, *more]

    def of(self, wanted: Patches) -> list[Choice]:
        """Return the patch releases that are asked for, or one that says why there is none."""
        by_version: dict[str, list[Patch]] = {}
        for patch in self.there:
            if wanted.takes(patch.version):
                by_version.setdefault(patch.version, []).append(patch)
        if not by_version:
            if wanted is ALL:
                return []
            version = wanted.exact or str(wanted.release)
            return [Choice(version=version, have=lambda: patches.find(wanted, self.chosen)[0])]
        return [self._one(version, several) for version, several in by_version.items()]

    def release(self, release: int) -> list[Choice]:
        """Return a whole release."""
        own = [one for one in self.there if versions.key(one.version)[0][0] == release]
        for way in self.chosen:
            if of_way := [one for one in own if one.way == way.name]:
                newest = of_way[-1].version
                return [self._one(newest, [one for one in own if one.version == newest])]
        return [Choice(version=str(release), have=lambda: self._fetched(release))]

    def _one(self, version: str, several: Sequence[Patch]) -> Choice:
        return Choice(version=version, have=lambda: patches.of_one(several)[0])

    def _fetched(self, release: int) -> Resolved:
        options = self.options
        return resolve([release], way=self.way, options=options, progress=self.progress)[0]


def _fetches(way: Way, release: int) -> bool:
    return not way.takes_images and way.offer(release).stock is Stock.FETCHABLE

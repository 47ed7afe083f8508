"""Patch releases: which of those that are asked for can be had, and from where.

Knows: the ways' own lists of them. Must not know: which ways there are, how any has a VM.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.errors import BeamproofError, InputError
from harness.run import versions
from harness.runtimes.model import Resolved, Runtime
from harness.runtimes.wanted import Patches
from harness.runtimes.way import Patch, Stock, Way, reason_of

_NEAR = 2
"""So many older and so many newer ones are named where one cannot be had."""


def listed(chosen: Sequence[Way]) -> tuple[tuple[Patch, ...], tuple[str, ...]]:
    """Return all that the ways have, oldest first, and why a way says nothing.

    Raises:
        InputError: what the user named is not there.
    """
    found: list[Patch] = []
    reasons: list[str] = []
    for way in chosen:
        try:
            found += (one for one in way.patches() if versions.is_full(one.version))
        except InputError:
            raise
        except BeamproofError as error:
            reasons.append(reason_of(way.name, error))
    return tuple(sorted(found, key=lambda one: versions.key(one.version))), tuple(reasons)


def find(wanted: Patches, chosen: Sequence[Way]) -> list[Resolved]:
    """Return the patch releases that are asked for, or the reason why there is none.

    Of one version the first way counts that has it, unless the user named several.

    Raises:
        InputError: what the user named is not there.
    """
    there, reasons = listed(chosen)
    by_version: dict[str, list[Patch]] = {}
    for patch in there:
        if wanted.takes(patch.version):
            by_version.setdefault(patch.version, []).append(patch)
    if not by_version:
        reason = "; ".join([_why_none(wanted, there, chosen), *reasons])
        return [Resolved(release=wanted.release, version=wanted.exact, reason=reason)]
    return [one for several in by_version.values() for one in of_one(several)]


def of_one(several: Sequence[Patch]) -> list[Resolved]:
    """Return the columns of one version: each that the user named, or the first that is had."""
    named = [one for one in several if one.named]
    if len(named) > 1:
        return [_first([one], ()) for one in named]
    return [_first([*named, *(one for one in several if not one.named)], ())]


def _first(left: Sequence[Patch], reasons: tuple[str, ...]) -> Resolved:
    """Return the first of several that is had; those after it where it does not start."""
    version = left[0].version if left else ""
    for number, patch in enumerate(left, 1):
        try:
            runtime = replace(patch.have(), version=patch.version)
        except BeamproofError as error:
            reasons = (*reasons, reason_of(patch.way, error))
            continue
        otherwise = _otherwise(runtime, left[number:], reasons) if left[number:] else None
        return Resolved(
            release=runtime.release, version=version, runtime=runtime, otherwise=otherwise
        )
    return Resolved(release=_release(version), version=version, reason="; ".join(reasons))


def _otherwise(
    runtime: Runtime, left: Sequence[Patch], reasons: tuple[str, ...]
) -> Callable[[str], Resolved]:
    return lambda why_not: _first(left, (*reasons, f"{runtime.way}: {why_not}"))


def _release(version: str) -> int:
    return versions.key(version)[0][0]


def _why_none(wanted: Patches, there: Sequence[Patch], chosen: Sequence[Way]) -> str:
    near = _near(wanted, [one.version for one in there])
    said = [
        "no image or install here is it" if wanted.exact else f"nothing here is {wanted.text}",
        f"near it there are {', '.join(near)}" if near else "there is no patch release at all",
    ]
    release = wanted.release
    if fetching := [way.name for way in chosen if _could_fetch(way, release)]:
        said.append(
            f"beamproof otp install {release} fetches one of OTP {release}"
            f" ({' or '.join(fetching)}), which then says which it is"
        )
    return "; ".join(said)


def _could_fetch(way: Way, release: int) -> bool:
    return not way.takes_images and way.offer(release).stock is Stock.FETCHABLE


def _near(wanted: Patches, there: Sequence[str]) -> list[str]:
    at = versions.key(wanted.exact or wanted.text)
    known = list(dict.fromkeys(there))
    older = [one for one in known if versions.key(one) < at]
    newer = [one for one in known if versions.key(one) > at]
    return [*older[-_NEAR:], *newer[:_NEAR]]

"""Choose where each release comes from.

Knows: that there are ways, in an order. Must not know: which, or how any of them does it.

Nothing is fetched for a release before the ways ahead of it have said no; the reasons of all of
them are kept, so that a release that cannot be had says why, way by way.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TypeVar

from harness.errors import BeamproofError, InputError
from harness.run import versions
from harness.run.model import RuntimeRecord
from harness.runtimes import patches, programs, ways
from harness.runtimes.model import AUTO, Resolved, Runtime, RuntimeOptions
from harness.runtimes.wanted import Wanted
from harness.runtimes.way import Progress, Way, reason_of

_Asked = TypeVar("_Asked")
_Found = TypeVar("_Found")


def resolve(
    wanted: Sequence[Wanted], *, way: str, options: RuntimeOptions, progress: Progress
) -> tuple[Resolved, ...]:
    """Find a runtime for every release that is asked for, fetching where the way does.

    Args:
        wanted: releases and patch releases; may be empty with images, which then say their own.
        way: `auto` or the name of one.
        options: where runtimes may come from.
        progress: told what happens, also from other threads.

    Returns:
        One result a release, in the order asked, more where the user named several images or
        installs of it; one a patch release that can be had; each has a runtime or a reason.

    Raises:
        InputError: the way is unknown, or a folder or image named by the user has no VM in it.
        RuntimeMissingError: an image named by the user cannot be had.
    """
    chosen = ways_for(way, options, progress)
    there = {release for one in chosen for release in one.releases()}
    found = _at_once(lambda one: _found(one, chosen), wanted or sorted(there))
    return _distinct(_once_each([item for items in found for item in items]))


def _once_each(found: Sequence[Resolved]) -> list[Resolved]:
    """Return what was found without what several parts of `--otp` mean alike."""
    each = {(item.name, item.runtime and item.runtime.origin): item for item in reversed(found)}
    return [*reversed(each.values())]


def ways_for(way: str, options: RuntimeOptions, progress: Progress) -> tuple[Way, ...]:
    """Return the ways that a command looks in; images that the user named are looked in alone.

    Raises:
        InputError: there is no such way, or it has no use for images.
    """
    chosen = ways.make(way, replace(options, automatic=way == AUTO), progress)
    if options.images or options.image_list:
        return _with_images(chosen, way, only=bool(options.images))
    return chosen


def _with_images(chosen: tuple[Way, ...], way: str, *, only: bool) -> tuple[Way, ...]:
    """Return the ways that images given by the user leave: those that take them alone, or all."""
    takes = tuple(one for one in chosen if one.takes_images)
    if not takes:
        raise InputError(
            f"an image has no use on the {way} way", hint="leave out --image, or --runtime"
        )
    return takes if only else chosen


def _found(one: Wanted, chosen: Sequence[Way]) -> list[Resolved]:
    return _look(one, chosen, ()) if isinstance(one, int) else patches.find(one, chosen)


def resolve_recorded(
    records: Sequence[RuntimeRecord], *, options: RuntimeOptions, progress: Progress
) -> tuple[Resolved, ...]:
    """Find again the runtimes that a run began with, each in its own way and by its own name."""
    return tuple(_at_once(lambda record: _again(record, options, progress), records))


def _again(record: RuntimeRecord, options: RuntimeOptions, progress: Progress) -> Resolved:
    """Find what one record says; a way that is named looks nowhere but where it is told to."""
    named = replace(options, images=(record.origin,), otp_roots=(Path(record.origin),))
    asked, label = versions.parts_of(record.name)
    version = asked if versions.is_full(asked) else ""
    try:
        runtime = ways.make(record.way, named, progress)[0].find(record.release)[0]
    except BeamproofError as error:
        reason = reason_of(record.way, error)
        return Resolved(release=record.release, version=version, reason=reason)
    runtime = replace(runtime, version=version, label=label)
    return Resolved(release=record.release, version=version, runtime=runtime)


def _look(release: int, left: Sequence[Way], reasons: tuple[str, ...]) -> list[Resolved]:
    """Return the runtimes of the first way that has the release, or every way's reason."""
    for number, way in enumerate(left, 1):
        try:
            runtimes = way.find(release)
        except BeamproofError as error:
            reasons = (*reasons, reason_of(way.name, error))
        else:
            return [_taken(runtime, left[number:], reasons) for runtime in runtimes]
    return [Resolved(release=release, reason="; ".join(reasons))]


def _taken(runtime: Runtime, left: Sequence[Way], reasons: tuple[str, ...]) -> Resolved:
    def otherwise(why_not: str) -> Resolved:
        return _look(runtime.release, left, (*reasons, f"{runtime.way}: {why_not}"))[0]

    return Resolved(release=runtime.release, runtime=runtime, otherwise=otherwise if left else None)


def _at_once(find: Callable[[_Asked], _Found], asked: Sequence[_Asked]) -> list[_Found]:
    with ThreadPoolExecutor(max(1, len(asked))) as pool:
        try:
            return list(pool.map(find, asked))
        except BaseException:
            programs.abandon()  # or an interrupted command would first finish its downloads
            raise


def _distinct(found: Sequence[Resolved]) -> tuple[Resolved, ...]:
    """Give runtimes of one release names of their own, after where each comes from."""
    counted = Counter(item.name for item in found if item.runtime)
    taken: Counter[str] = Counter()
    return tuple(_labelled(item, taken) if counted[item.name] > 1 else item for item in found)


def _labelled(item: Resolved, taken: Counter[str]) -> Resolved:
    if item.runtime is None:
        return item
    label = re.sub(r"[^A-Za-z0-9._]+", "-", PurePath(item.runtime.origin).name).strip("-")
    named = f"{item.name}-{label}"
    taken[named] += 1
    if taken[named] > 1:
        label = f"{label}-{taken[named]}"
    return replace(item, runtime=replace(item.runtime, label=label))

"""How long calls take, the same for whoever reads the same file.

Knows: names of calls, a file of seconds, a stored run. Must not know: releases, how a call is run.

A release makes little difference to how long a call takes, so seconds are kept by call, and a
release that nobody has run yet has them, too. Stored runs of one machine (`run/stored.py`) order
what that machine does; what is dealt out to several needs what all of them have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

import msgspec

from harness.errors import InputError
from harness.run.cells import ProbeCall
from harness.run.file import read_run
from harness.run.model import Run

FILE = "durations.json"
"""Kept with the claims, in their folder."""

NODE_START_S = 0.4
"""About what a node costs to start."""

_DIGEST_CHARS = 16
_decoder = msgspec.json.Decoder(dict[str, float])


@dataclass(frozen=True, kw_only=True)
class Durations:
    """Hold the seconds of calls, by the name of the call; empty is nothing known."""

    seconds: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of_run(cls, run: Run) -> Self:
        """Return what a run took: of one call on several runtimes the mean."""
        found: dict[str, list[float]] = {}
        for seen in run.observations:
            if not seen.failed:
                elapsed_us = sum(sample.elapsed_us for sample in seen.samples)
                found.setdefault(seen.call, []).append(elapsed_us / 1e6)
        return cls(seconds={call: round(sum(all_) / len(all_), 3) for call, all_ in found.items()})

    @property
    def digest(self) -> str | None:
        """Return a hash by which two machines know that they have the same; None of nothing."""
        if not self.seconds:
            return None
        return hashlib.sha256(self.content()).hexdigest()[:_DIGEST_CHARS]

    def of(self, call: ProbeCall) -> float:
        """Return the weight of a call: seconds with its node's start, or 1 where nothing is known.

        What is not known while others are takes as long as the median of those.
        """
        if not self.seconds:
            return 1.0
        known = self.seconds.get(call.id)
        own = self._median if known is None else known
        return own + (NODE_START_S if call.alone else 0)

    @cached_property
    def _median(self) -> float:
        return sorted(self.seconds.values())[len(self.seconds) // 2]

    def content(self) -> bytes:
        """Return the file: a JSON object of seconds by call, a line each, sorted."""
        return msgspec.json.format(msgspec.json.encode(dict(sorted(self.seconds.items())))) + b"\n"


def read_durations(path: Path) -> Durations:
    """Read a file of seconds, or what a stored run took.

    Raises:
        InputError: it is neither, or cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the durations {path}: {error.strerror}") from error
    if content.startswith(b'{"kind":'):
        return Durations.of_run(read_run(path))
    try:
        seconds = _decoder.decode(content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InputError(
            f"{path} is neither a run nor a file of durations: {error}",
            hint="beamproof report RUN --format durations -o FILE makes one",
        ) from error
    if not all(0 <= value < float("inf") for value in seconds.values()):
        raise InputError(f"{path}: a call takes 0 seconds or more")
    return Durations(seconds=seconds)


def durations_beside(claims_dir: Path) -> Durations:
    """Return the durations that are kept with claims; without such a file nothing is known.

    Raises:
        InputError: the file is none.
    """
    path = claims_dir / FILE
    return read_durations(path) if path.is_file() else Durations()

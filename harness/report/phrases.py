"""Durations, moments and plurals in words.

Knows: numbers and names. Must not know: claims, formats.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from harness.run.model import Outcome, Run


def outcome_word(run: Run) -> str:
    """Return `complete`, `interrupted`, `failed` or `cut short`."""
    if run.footer is None:
        return "cut short"
    return Outcome(run.footer.outcome).value


def seconds_of(iso: str) -> float:
    """Return an ISO time as seconds since 1970; 0 of what is no time."""
    try:
        return datetime.fromisoformat(iso).timestamp()
    except ValueError:
        return 0.0


def day(seconds: float) -> str:
    """Return a time, in seconds since 1970, as a short date, e.g. `20 Nov`."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at.day} {at:%b}"


@lru_cache(maxsize=1024)
def moment(iso: str) -> str:
    """Return an ISO time as people read it, e.g. `20 November 2026, 03:00 UTC`."""
    try:
        at = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    zone = "UTC" if at.tzinfo is not None and not at.utcoffset() else at.strftime("%z")
    return f"{at.day} {at:%B %Y, %H:%M} {zone}".strip()


def duration(microseconds: float | None) -> str:
    """Return a duration in the unit that suits it, e.g. `12.3 ms`."""
    if microseconds is None:
        return ""
    for size, unit in ((1e6, "s"), (1e3, "ms")):
        if microseconds >= size:
            return f"{microseconds / size:.3g} {unit}"
    return f"{microseconds:g} µs"


def clock(seconds: float) -> str:
    """Return a span of time as a clock shows it, e.g. `1:05` or `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def took(started: str, ended: str) -> str:
    """Return how long a run took, e.g. `4 min 10 s`; nothing if the times cannot be read."""
    try:
        seconds = (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds()
    except (ValueError, TypeError):
        return ""
    if seconds < 10:  # noqa: PLR2004 (one figure would say too little)
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def plural(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun, e.g. `1 cell`, `2,000 cells`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"

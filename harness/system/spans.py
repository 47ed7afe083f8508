"""Spans of time as people write them.

Knows: units. Must not know: what is timed.
"""

from __future__ import annotations

import re

from harness.errors import InputError

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)([smhd])")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")


def parse_span(text: str) -> float:
    """Return the seconds of `90s`, `10m`, `24h`, `7d` or `1h30m`.

    Raises:
        InputError: it is no span, or none at all.
    """
    if _WHOLE.fullmatch(text.strip()) is None:
        raise InputError(f"{text!r} is no span of time", hint="write 90s, 10m, 24h, 7d or 1h30m")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if not seconds:
        raise InputError(f"{text!r} is no time at all")
    return seconds

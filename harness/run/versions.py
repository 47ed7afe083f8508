"""Full OTP versions as names carry them: read, and put in order.

Knows: `27.3.4.10` comes after `27.3.4.9`, `28.0-rc1` before `28.0`. Must not know: ranges that
claims speak of, runtimes.
"""

from __future__ import annotations

import math
import re

FULL = r"\d{2}(?:\.\d+)+(?:-rc\.?\d+)?"
"""What a version to the patch looks like; a release alone, `27`, is none."""

_NUMBERS = re.compile(r"(?P<numbers>\d+(?:\.\d+)*)(?:-?rc\.?(?P<candidate>\d+))?")

Key = tuple[tuple[int, ...], float]
"""What versions are ordered by: their numbers, then which candidate, a release last."""


def key(version: str) -> Key:
    """Return what a version is ordered by; what is no version comes first."""
    found = _NUMBERS.match(version)
    if found is None:
        return (), math.inf
    numbers = tuple(map(int, found["numbers"].split(".")))
    return numbers, float(found["candidate"] or math.inf)


_NAME = re.compile(rf"otp(?P<version>{FULL}|\d+)(?:-(?P<label>.*))?")


def parts_of(runtime: str) -> tuple[str, str]:
    """Return release or full version of a runtime's name, and what sets it apart from others.

    `otp27-app-1.2` is `27` and `app-1.2`, `otp27.3.4.1` is `27.3.4.1` and nothing.
    """
    return named(runtime) or (runtime, "")


def named(runtime: str) -> tuple[str, str] | None:
    """Return what `parts_of` does, None where the name is of no release."""
    found = _NAME.fullmatch(runtime)
    return None if found is None else (found["version"], found["label"] or "")


def is_full(version: str) -> bool:
    """Tell whether a version goes to the patch."""
    return re.fullmatch(FULL, version) is not None

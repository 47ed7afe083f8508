"""How people write several releases: `25,27`, `24-27`.

Knows: numbers of releases. Must not know: which ones there are.
"""

from __future__ import annotations

import re

from harness.errors import InputError

_RANGE = re.compile(r"(?P<low>\d{2})(?:-(?P<high>\d{2}))?")


def parse_releases(text: str, said_by: str = "--otp") -> tuple[int, ...]:
    """Read `25,27`, `24-27` or a mix of both.

    Args:
        text: what was written.
        said_by: where it was written, for the message.

    Returns:
        The releases in ascending order, each once.

    Raises:
        InputError: the text names no release.
    """
    found: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise InputError(
                f"{said_by} {text}: {part.strip()!r} is no release",
                hint="write releases as 25,27 or as a range: 24-27",
            )
        low = int(match["low"])
        high = int(match["high"] or low)
        if high < low:
            raise InputError(f"{said_by} {text}: the range {part.strip()} runs backwards")
        found.update(range(low, high + 1))
    return tuple(sorted(found))

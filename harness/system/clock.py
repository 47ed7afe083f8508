"""The time as runs write it.

Knows: the machine's clock. Must not know: what happened then.
"""

from __future__ import annotations

from datetime import UTC, datetime


def now_iso() -> str:
    """Return the time as ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")

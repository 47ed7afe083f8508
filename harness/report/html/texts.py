"""Turn values into text that is safe and small inside a page.

Knows: HTML's escaping. Must not know: claims.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

from markupsafe import Markup

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_BREAK = re.compile(r"([._])(?=\w)")
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_CODE = re.compile(r"`([^`]+)`")


def text(value: object) -> Markup:
    """Return text for the inside of an element; control characters become their pictures.

    Quotes stay as they are: inside an element they are harmless, and evidence is full of them.
    """
    escaped = str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Markup(_CONTROL.sub(_picture, escaped))  # noqa: S704 (escaped above)


def key(value: str) -> Markup:
    """Return a key of evidence that may break behind its dots and underscores."""
    return Markup(_BREAK.sub(r"\1<wbr>", str(text(value))))  # noqa: S704 (escaped by text)


def _picture(found: re.Match[str]) -> str:
    code = ord(found.group())
    return "\u2421" if code == 0x7F else chr(0x2400 + code)  # noqa: PLR2004 (DEL)


def prose(value: str) -> Markup:
    """Return a sentence with its `code` and **bold** marks as elements."""
    marked = _CODE.sub(r"<code>\1</code>", str(text(value)))
    return Markup(_BOLD.sub(r"<strong>\1</strong>", marked))  # noqa: S704 (escaped by text)


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


def took(started: str, ended: str) -> str:
    """Return how long a run took, e.g. `4 min 10 s`; nothing if the times cannot be read."""
    try:
        seconds = (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds()
    except (ValueError, TypeError):
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def plural(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun, e.g. `1 cell`, `2,000 cells`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"

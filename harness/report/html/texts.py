"""Turn values into text that is safe and small inside a page.

Knows: HTML's escaping. Must not know: claims.
"""

from __future__ import annotations

import re

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

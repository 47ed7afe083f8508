"""Text of others as text: whatever would steer a terminal or hide what follows is shown instead.

Knows: which characters those are. Must not know: where text comes from or is printed.
"""

from __future__ import annotations

_KEPT = {0x09, 0x0A}
_STEERING = (
    *range(0x20),
    *range(0x7F, 0xA0),
    *(0x061C, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF),
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
)
"""Controls of both sets, and the marks that turn the direction of writing or break a line.

Source: Unicode 15, Cc, Zl, Zp and Bidi_Control."""

_LARGEST_BYTE = 0xFF
_SHOWN = {
    code: f"\\x{code:02x}" if code <= _LARGEST_BYTE else f"\\u{code:04x}"
    for code in _STEERING
    if code not in _KEPT
}
_IN_JSON = {code: f"\\u{code:04x}" for code in _STEERING if code not in _KEPT}


def visible(text: str) -> str:
    """Return text with its control characters written out, lines and tabs as they are."""
    return text.translate(_SHOWN)


def visible_json(text: str) -> str:
    """Return JSON that says the same without any control character; its strings escape them."""
    return text.translate(_IN_JSON)

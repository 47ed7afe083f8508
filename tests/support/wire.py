"""What a VM sends, as the bridge's half in Erlang encodes it."""

from __future__ import annotations

from harness.bridge.terms import Term, encode


def sent(message: Term) -> bytes:
    """Return the external form of a message, its name in the older of the forms of an atom."""
    data = encode(message)
    for kind in (b"r", b"e", b"M"):
        data = data.replace(b"w\x01" + kind, b"d\0\x01" + kind, 1)
    return data

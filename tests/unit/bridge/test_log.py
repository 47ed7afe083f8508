"""The log: both ends of a flood, and how much lies between."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.bridge.log import BoundedLog


@given(pieces=st.lists(st.binary(max_size=50)))
def test_what_fits_is_kept_whole(pieces: list[bytes]) -> None:
    """Below the bound nothing is lost, and a look empties it."""
    log = BoundedLog(10_000)
    for piece in pieces:
        log.append(piece)
    assert log.take() == b"".join(pieces)
    assert log.take() == b""


@given(pieces=st.lists(st.binary(min_size=20, max_size=90), min_size=20))
def test_a_flood_keeps_its_ends(pieces: list[bytes]) -> None:
    """Above the bound the beginning and the end stay, with the number of bytes dropped."""
    log = BoundedLog(100)
    for piece in pieces:
        log.append(piece)
    everything = b"".join(pieces)
    dropped = b"\n[... %d bytes dropped ...]\n" % (len(everything) - 100)
    assert log.take() == everything[:50] + dropped + everything[-50:]

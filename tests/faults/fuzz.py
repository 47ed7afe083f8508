"""Damage what a VM sends, in every layer that reads it; only a ProtocolError may come of it.

`python -m tests.faults.fuzz [--seed N] [--seconds S]` prints what it tried; a finding is printed
with the bytes that made it and ends with 1.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from harness.bridge import messages
from harness.bridge.framing import FrameReader, StreamEndedError, frame
from harness.bridge.guard import TermLimits
from harness.bridge.terms import Atom, Bits, ImproperList, Pairs, decode, encode
from harness.collect.outcome import outcome_of, probed_of
from harness.errors import ProtocolError

SLOW_S = 5.0
"""No input of the size of these may take longer, on any machine."""

LIMITS = TermLimits(total_bytes=100_000, depth=50, nodes=20_000, integer_bytes=2_000)
CORPUS: tuple[Any, ...] = (
    *(0, -1, 2**31, -(2**63), 2**2000, 1.5, -0.0, True, None, "", "text", "grüße", b"\xff\x00"),
    *(Atom("a"), Atom(""), Atom("ä"), Bits(b"\xa0", 3), ImproperList((1, 2), 3), [], (), {}),
    *([1, 2, 300], [1, 2, 3], {"key": [1]}, {Atom("k"): {"x": (1, 2)}}),
    *(Pairs(((1, 2), (1.0, 3), (True, 4))), [[[[]]]], tuple(range(300)), list(range(70_000))),
)
OUTCOMES = (
    *({"value": {"a": 1, "b": [1.5, "x", None]}, "probe_us": 3}, {"value": 2**70}),
    {"error_class": "error", "reason": "badarg", "stack": ["a", "b"]},
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold an input that did what none may do, and what that was."""

    layer: str
    data: bytes
    what: str


class _Pieces:
    """Give a stream in pieces, then end."""

    def __init__(self, data: bytes, cut: int) -> None:
        self._data, self._cut = data, cut

    def read(self, size: int, _deadline: float) -> bytes:
        """Return the next piece."""
        piece = self._data[: min(size, self._cut)]
        self._data = self._data[len(piece) :]
        return piece


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return data with some bytes changed, cut out, doubled or made up."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(found) + 1)
        match chance.randrange(5):
            case 0 if at < len(found):
                found[at] = chance.randrange(256)
            case 1:
                del found[at : at + chance.randint(1, 8)]
            case 2:
                found[at:at] = found[at : at + chance.randint(1, 16)]
            case 3:
                found[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff"))
            case _:
                found[at:at] = chance.randbytes(chance.randint(1, 6))
    return bytes(found)


def _terms(data: bytes) -> None:
    decode(data, LIMITS)


def _frames(data: bytes) -> None:
    reader = FrameReader(_Pieces(data, 7), limit=100_000)
    while True:
        reader.read(time.monotonic() + 60)


def _answers(data: bytes) -> None:
    messages.parse(data, 2**127, LIMITS)


def _outcomes(data: bytes) -> None:
    text = data.decode(errors="replace")
    outcome_of(text)


def _probes(data: bytes) -> None:
    probed_of(decode(data, LIMITS)).raised()


_Layer = tuple[Callable[[bytes], None], tuple[bytes, ...]]


def layers() -> dict[str, _Layer]:
    """Return what reads, and sound inputs of each."""
    terms = tuple(encode(term) for term in CORPUS)
    outcomes = tuple(json.dumps(one).encode() for one in OUTCOMES)
    answers = tuple(
        b"\x83h\x03d\0\x01" + kind + encode(2**127)[1:] + term[1:]
        for kind in (b"r", b"e")
        for term in terms
    )
    probes = tuple(encode((text.decode(), ["left"], False)) for text in outcomes)
    return {
        "terms": (_terms, terms),
        "frames": (_frames, tuple(frame(term) + frame(b"") for term in terms[:20])),
        "answers": (_answers, answers),
        "outcomes": (_outcomes, outcomes),
        "probes": (_probes, probes),
    }


def campaign(seed: int, seconds: float, counts: Counter[str]) -> Iterator[Finding]:
    """Yield what does not behave, until the time is over; `counts` says what was tried."""
    chance = random.Random(seed)  # noqa: S311 - inputs, from the seed that is printed
    known = layers()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        layer = chance.choice(tuple(known))
        read, corpus = known[layer]
        data = damaged(chance.choice(corpus), chance)
        started = time.monotonic()
        try:
            read(data)
            counts[f"{layer}: read"] += 1
        except (ProtocolError, StreamEndedError):
            counts[f"{layer}: refused"] += 1
        except Exception as error:  # noqa: BLE001 - anything else is what is looked for
            yield Finding(layer, data, repr(error))
        if (took := time.monotonic() - started) > SLOW_S:
            yield Finding(layer, data, f"took {took:.1f} s")


def main() -> None:
    """Run a campaign and say what it found."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--seconds", type=float, default=300.0)
    given = parser.parse_args()
    print(f"seed {given.seed}")  # noqa: T201 - a program
    counts: Counter[str] = Counter()
    found = list(campaign(given.seed, given.seconds, counts))
    for what, count in sorted(counts.items()):
        print(f"{count:9} {what}")  # noqa: T201
    for one in found[:20]:
        print(f"FOUND {one.layer}: {one.what}\n  {one.data[:200].hex()}")  # noqa: T201
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()

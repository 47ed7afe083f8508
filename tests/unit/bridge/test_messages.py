"""Messages: ErlPort's, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from harness.bridge import messages
from harness.bridge.messages import Context, Fault, Result
from harness.bridge.terms import Atom, Term, decode
from harness.errors import ProtocolError
from tests.support.wire import sent


def test_a_call_is_six_elements() -> None:
    """The call names itself, what to call, with what, and where it runs."""
    payload = messages.call(7, "lists", "seq", [1, [2]], Context.TERM)
    expected = (Atom("C"), 7, Atom("lists"), Atom("seq"), [1, [2]], Atom("T"))
    assert decode(payload) == expected


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ((Atom("r"), 1, [2]), Result([2])),
        ((Atom("r"), 2**127, {"a": 1.5}), Result({"a": 1.5})),
        (
            (Atom("e"), 1, (Atom("erlang"), Atom("exit"), Atom("why"), [])),
            Fault("exit", Atom("why"), []),
        ),
    ],
)
def test_each_answer_is_read(term: Any, expected: messages.Message) -> None:
    """Results and faults."""
    assert messages.parse(sent(term), term[1]) == expected


@pytest.mark.parametrize(
    "term", [[], (Atom("r"), 1), (Atom("r"), "1", 2), (Atom("e"), 1, (1, 2)), (Atom("x"), 1, 2), 5]
)
def test_anything_else_is_refused(term: Term) -> None:
    """What is no answer is a ProtocolError that shows how it begins."""
    with pytest.raises(ProtocolError, match="an answer to no call"):
        messages.parse(sent(term), 1)


def test_what_does_not_know_the_id_is_not_decoded() -> None:
    """A frame that would be slow to decode, or refused within, is refused by its beginning."""
    bomb = b"\x83P\xff\xff\xff\xff" + bytes(1000)
    for payload in (bomb, b"", b"\x83", b"\x83h\x03d\x00\x01r"):
        with pytest.raises(ProtocolError, match="an answer to no call"):
            messages.parse(payload, messages.new_id())


def test_ids_are_of_128_bits_and_never_the_same() -> None:
    """Nobody guesses one, and ErlPort's own are of that size."""
    ids = {messages.new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert {found.bit_length() for found in ids} == {128}

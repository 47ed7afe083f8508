"""Messages: ErlPort's, and nothing else."""

from __future__ import annotations

import pytest

from harness.bridge import messages
from harness.bridge.messages import Cast, Context, Fault, Result
from harness.bridge.terms import Atom, Term, decode, encode
from harness.errors import ProtocolError


def test_a_call_is_six_elements() -> None:
    """The call names itself, what to call, with what, and where it runs."""
    payload = messages.call(7, "lists", "seq", [1, [2]], Context.TERM)
    expected = (Atom("C"), 7, Atom("lists"), Atom("seq"), [1, [2]], Atom("T"))
    assert decode(payload) == expected


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ((Atom("r"), 1, [2]), Result(1, [2])),
        (
            (Atom("e"), 1, (Atom("erlang"), Atom("exit"), Atom("why"), [])),
            Fault(1, "exit", Atom("why"), []),
        ),
        ((Atom("e"), (Atom("erlang"), Atom("error"), 1, [])), Fault(None, "error", 1, [])),
        ((Atom("M"), "hello"), Cast("hello")),
    ],
)
def test_each_message_is_read(term: Term, expected: messages.Message) -> None:
    """Results, faults with and without a call, and casts."""
    assert messages.parse(encode(term)) == expected


@pytest.mark.parametrize(
    "term", [[], (Atom("r"), 1), (Atom("r"), "1", 2), (Atom("e"), 1, (1, 2)), (Atom("x"), 1, 2), 5]
)
def test_anything_else_is_refused(term: Term) -> None:
    """What is no message is a ProtocolError that shows it."""
    with pytest.raises(ProtocolError, match="not a message of the bridge"):
        messages.parse(encode(term))

"""A session: answers go with their calls, and each way to fail has its own error."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.bridge.calls import Session, describe
from harness.bridge.framing import frame
from harness.bridge.messages import Context
from harness.bridge.terms import Atom, Term, decode
from harness.errors import CallTimeoutError, NodeDiedError, ProtocolError, RemoteError
from tests.support.wire import sent

Answer = Callable[[int], Term]
"""What the VM says to a call, which it knows by its id."""


class Scripted:
    """Be a channel whose VM says what was written down for it."""

    def __init__(
        self,
        *answers: Answer,
        status: int | None = None,
        full: bool = False,
    ) -> None:
        self.keep = False
        self._answers = answers
        self.unread = b""
        self._status = status
        self._full = full

    def read(self, size: int, _deadline: float) -> bytes:
        if not self.unread and self._status is None:
            raise TimeoutError
        data, self.unread = self.unread[:size], self.unread[size:]
        return data

    def write(self, data: bytes, _deadline: float) -> None:
        if self._full:
            raise TimeoutError("full")
        request = decode(data[4:])
        assert isinstance(request, tuple)
        for answer in self._answers:
            self.unread += frame(sent(answer(request[1])))

    def log(self) -> bytes:
        return b""

    def kill(self) -> None: ...

    def wait(self, _deadline: float) -> int | None:
        return self._status


def call(channel: Scripted) -> Term:
    session = Session(channel)
    try:
        return session.call("m", "f", [], 1.0, Context.TERM)
    except RemoteError:
        assert session.usable
        raise
    except BaseException:
        assert not session.usable
        raise


def test_the_answer_is_the_value() -> None:
    """An answer that carries the call's own id is its value."""
    assert call(Scripted(lambda call_id: (Atom("r"), call_id, [5]))) == [5]


def test_what_was_raised_is_raised() -> None:
    """A fault keeps class, reason and stack."""
    error = (Atom("erlang"), Atom("exit"), 42, [(Atom("m"), Atom("f"))])
    with pytest.raises(RemoteError, match="exit: 42") as caught:
        call(Scripted(lambda call_id: (Atom("e"), call_id, error)))
    assert len(caught.value.stacktrace) == 1


def test_a_reason_that_python_does_not_print_is_still_a_reason() -> None:
    """An integer of more digits than Python prints costs no more than its call."""
    error = (Atom("erlang"), Atom("exit"), 1 << 20_000, [])
    with pytest.raises(RemoteError, match="a very large integer"):
        call(Scripted(lambda call_id: (Atom("e"), call_id, error)))


@pytest.mark.parametrize(
    "answer",
    [
        lambda call_id: (Atom("r"), call_id + 1, 1),
        lambda _: (Atom("r"), 1, 1),
        lambda _: (Atom("M"), 1),
        lambda call_id: (Atom("e"), call_id, 1),
        lambda call_id: (Atom("r"), call_id),
    ],
)
def test_what_does_not_know_the_call_answers_nothing(answer: Answer) -> None:
    """Ids cannot be guessed: a VM that says anything else is not trusted again."""
    with pytest.raises(ProtocolError, match="an answer to no call"):
        call(Scripted(answer))


def test_an_error_of_no_call_is_one_of_the_boot_alone() -> None:
    """A VM that does not boot says why; after its first answer such an error is nobody's."""
    error = (Atom("e"), (Atom("erlang"), Atom("error"), Atom("why"), []))
    with pytest.raises(RemoteError, match="why"):
        call(Scripted(lambda _: error))
    answers = iter([Atom("r"), None])

    def answer(call_id: int) -> Term:
        kind = next(answers)
        return error if kind is None else (kind, call_id, 1)

    session = Session(Scripted(answer))
    assert session.call("m", "f", [], 1.0, Context.TERM) == 1
    with pytest.raises(ProtocolError, match="an answer to no call"):
        session.call("m", "f", [], 1.0, Context.TERM)


def test_no_two_calls_have_one_id() -> None:
    """What is learnt from one call is of no use for the next."""
    ids: list[Term] = []

    def answer(call_id: int) -> Term:
        ids.append(call_id)
        return (Atom("r"), call_id, 1)

    session = Session(Scripted(answer))
    for _ in range(50):
        session.call("m", "f", [], 1.0, Context.TERM)
    assert len(set(ids)) == 50
    assert all(isinstance(found, int) and found.bit_length() == 128 for found in ids)


def test_nothing_is_called_while_something_lies_there_unread() -> None:
    """What came before the call was made is nobody's answer; the call is not even sent."""
    channel = Scripted(lambda call_id: (Atom("r"), call_id, 1))
    session = Session(channel)
    session.call("m", "f", [], 1.0, Context.TERM)
    assert not session.unasked()
    channel.unread = b"\0"
    with pytest.raises(ProtocolError, match="nobody asked for"):
        session.call("m", "f", [], 1.0, Context.TERM)
    assert not session.usable


@pytest.mark.parametrize(
    ("status", "words"),
    [(0, "exit status 0"), (-9, "killed by SIGKILL"), (-250, "killed by signal 250")],
)
def test_the_end_of_a_vm_is_described(status: int, words: str) -> None:
    """The error says how the VM ended."""
    with pytest.raises(NodeDiedError, match=words):
        call(Scripted(status=status))
    assert describe(None) == "its pipe is closed, it lives on"


def test_silence_and_deafness_are_time_outs() -> None:
    """No answer, and a VM that does not read, both end at the deadline."""
    with pytest.raises(CallTimeoutError, match=r"no answer within 1 s \(no answer\)"):
        call(Scripted())
    with pytest.raises(CallTimeoutError, match="did not read in time: full"):
        call(Scripted(full=True))

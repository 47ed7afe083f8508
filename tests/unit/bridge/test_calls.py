"""A session: answers go with their calls, and each way to fail has its own error."""

from __future__ import annotations

import pytest

from harness.bridge.calls import Session, describe
from harness.bridge.framing import frame
from harness.bridge.messages import Context
from harness.bridge.terms import Atom, Term, encode
from harness.errors import CallTimeoutError, NodeDiedError, ProtocolError, RemoteError


class Scripted:
    """Be a channel whose VM says what was written down for it."""

    def __init__(self, *answers: Term, status: int | None = None, full: bool = False) -> None:
        self.keep = False
        self._data = b"".join(frame(encode(answer)) for answer in answers)
        self._status = status
        self._full = full

    def read(self, size: int, _deadline: float) -> bytes:
        if not self._data and self._status is None:
            raise TimeoutError
        data, self._data = self._data[:size], self._data[size:]
        return data

    def write(self, _data: bytes, _deadline: float) -> None:
        if self._full:
            raise TimeoutError("full")

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
    """Messages to nobody are passed over."""
    assert call(Scripted((Atom("M"), 1), (Atom("r"), 1, [5]))) == [5]


def test_what_was_raised_is_raised() -> None:
    """A fault keeps class, reason and stack; one without a call belongs to the call in hand."""
    error = (Atom("erlang"), Atom("exit"), 42, [(Atom("m"), Atom("f"))])
    for answer in ((Atom("e"), 1, error), (Atom("e"), error)):
        with pytest.raises(RemoteError, match="exit: 42") as caught:
            call(Scripted(answer))
        assert len(caught.value.stacktrace) == 1


def test_an_answer_to_another_call_is_refused() -> None:
    """A VM that answers what nobody asked is not trusted again."""
    with pytest.raises(ProtocolError, match="an answer to no call"):
        call(Scripted((Atom("r"), 2, 1)))


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

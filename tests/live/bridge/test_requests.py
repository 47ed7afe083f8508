"""A bad request never takes the node with it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from harness.bridge import messages
from harness.bridge.boot import first_frame
from harness.bridge.calls import Session
from harness.bridge.channel import Launcher, Limits
from harness.bridge.messages import Context
from harness.bridge.terms import Atom, Bits, Opaque, encode
from harness.collect.probes import BRIDGE, ProbeStore
from harness.errors import RemoteError

pytestmark = pytest.mark.live


@pytest.fixture
def session(launcher: Launcher, store: ProbeStore) -> Iterator[Session]:
    """Return a conversation with a VM that knows nothing but the bridge."""
    channel = launcher.start(name="test-session", flags=(), env={}, limits=Limits())
    found = Session(channel)
    frame = first_frame(BRIDGE, store.bridge_beams(), store.source(BRIDGE))
    found.send(frame, time.monotonic() + 20)
    yield found
    channel.kill()


BAD_REQUESTS = [
    b"",
    b"garbage",
    b"\x83",
    b"\x83h\x03d\x00",
    encode([1, 2, 3]),
    encode((Atom("C"), 1)),
    encode((Atom("C"), 1, "lists", Atom("seq"), [1, 3], Atom("T"))),
    encode((Atom("C"), 1, Atom("lists"), Atom("seq"), 3, Atom("T"))),
    encode((Atom("X"), 1, 2, 3)),
    b"\x83\x50\xff\xff\xff\xff" + b"\0" * 20,
]


@pytest.mark.parametrize("payload", BAD_REQUESTS)
def test_what_is_no_request_is_refused(session: Session, payload: bytes) -> None:
    """A frame that is no term or no message is answered with an error, and the node goes on."""
    session.send(payload, time.monotonic() + 5)
    assert b"bad_request" in session._frames.read(time.monotonic() + 10)
    assert session.call("erlang", "node", [], 10) == Atom("nonode@nohost")


@pytest.mark.parametrize("context", list(Context))
def test_calls_that_fail_are_answered(session: Session, context: Context) -> None:
    """Undefined functions, errors and exits are answered in every context."""
    for module, function, args in (
        ("no_module", "f", []),
        ("erlang", "error", [Atom("boom")]),
        ("erlang", "exit", [Atom("normal")]),
        ("erlang", "throw", [Atom("ball")]),
    ):
        with pytest.raises(RemoteError):
            session.call(module, function, args, 10, context)
    assert session.call("erlang", "node", [], 10, context) == Atom("nonode@nohost")


def test_a_call_that_is_killed_is_answered(session: Session) -> None:
    """A call whose process is killed is answered by the bridge in its place."""
    session.send(messages.call(800, "timer", "sleep", [60000], Context.TERM), time.monotonic() + 5)
    expression = (
        "Kill = fun Kill() -> case [P || P <- processes(), {current_function, {timer, sleep, 1}}"
        " =:= process_info(P, current_function)] of [] -> erlang:yield(), Kill();"
        " Asleep -> [exit(P, kill) || P <- Asleep] end end,"
        " spawn(fun() -> receive after 200 -> Kill() end end), ok."
    )
    evaluated = session.call("erl_scan", "string", [list(expression.encode())], 10)
    assert isinstance(evaluated, tuple)
    parsed = session.call("erl_parse", "parse_exprs", [evaluated[1]], 10)
    assert isinstance(parsed, tuple)
    session.call("erl_eval", "exprs", [parsed[1], []], 10)
    with pytest.raises(RemoteError, match="killed"):
        session._await(800, time.monotonic() + 10)


def test_opaque_terms_come_back_unchanged(session: Session) -> None:
    """Pids, references, ports and bitstrings can be sent back in every context."""
    for context in Context:
        pid = session.call("erlang", "self", [], 10, context)
        assert isinstance(pid, Opaque)
        assert pid.kind == "pid"
        assert session.call("erlang", "is_pid", [pid], 10, context) is True
        made = session.call("erlang", "make_ref", [], 10, context)
        assert session.call("erlang", "is_reference", [made], 10, context) is True
        bits = session.call("erlang", "list_to_bitstring", [[Bits(b"\xa0", 3)]], 10, context)
        assert bits == Bits(b"\xa0", 3)


def test_casts_to_nobody_are_dropped(session: Session) -> None:
    """A message to what is no process, or a dead one, disturbs nobody."""
    deadline = time.monotonic() + 5
    session.send(encode((Atom("M"), Atom("no_such_name"), 1)), deadline)
    session.send(encode((Atom("M"), 42, 1)), deadline)
    session.send(encode((Atom("P"), 42)), deadline)
    assert session.call("erlang", "node", [], 10) == Atom("nonode@nohost")


def test_calls_may_be_sent_ahead(session: Session) -> None:
    """Calls are served side by side: a slow one does not hold up the next."""
    assert session.call("erlang", "node", [], 20) == Atom("nonode@nohost")
    session.send(messages.call(900, "timer", "sleep", [2000], Context.TERM), time.monotonic() + 5)
    # an answer to 900 that came first would be a protocol error here
    assert session.call("erlang", "node", [], 10) == Atom("nonode@nohost")
    assert session._await(900, time.monotonic() + 20) == Atom("ok")


def test_the_node_ends_with_its_pipe(launcher: Launcher, store: ProbeStore) -> None:
    """A VM whose host is gone ends by itself, booted or not."""
    for booted in (False, True):
        channel = launcher.start(name="test-orphan", flags=(), env={}, limits=Limits())
        if booted:
            frame = first_frame(BRIDGE, store.bridge_beams(), store.source(BRIDGE))
            found = Session(channel)
            found.send(frame, time.monotonic() + 20)
            found.call("erlang", "node", [], 20)
        channel._stdin.close()
        assert channel.wait(time.monotonic() + 20) == 0
        channel.kill()

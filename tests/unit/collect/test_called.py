"""What a probe calls, read from its code."""

from __future__ import annotations

from typing import Any

import pytest

from harness.bridge.terms import Atom, encode
from harness.collect.called import Called, reached, read


def atom(name: str) -> tuple[Any, ...]:
    return (Atom("atom"), 1, Atom(name))


def remote(module: str, function: str, *args: object) -> tuple[Any, ...]:
    called = (Atom("remote"), 1, atom(module), atom(function))
    return (Atom("call"), 1, called, list(args))


def local(function: str, *args: object) -> tuple[Any, ...]:
    return (Atom("call"), 1, atom(function), list(args))


NIL = (Atom("nil"), 1)


def beam(**bodies: tuple[Any, ...]) -> bytes:
    """Return a module of functions without arguments, as a compiler leaves it."""
    forms = [
        (Atom("function"), 1, Atom(name), 0, [(Atom("clause"), 1, [], [], [body])])
        for name, body in bodies.items()
    ]
    info = encode((Atom("debug_info_v1"), Atom("erl_abstract_code"), (forms, [])))
    chunks = b"".join(
        name + len(data).to_bytes(4, "big") + data + bytes(-len(data) % 4)
        for name, data in ((b"AtU8", b"12345"), (b"Dbgi", info))
    )
    return b"FOR1" + len(chunks).to_bytes(4, "big") + b"BEAM" + chunks


def test_calls_are_followed_through_modules_of_the_folder() -> None:
    """What the probe does not reach is none of its needs."""
    code = {
        "skill": read(beam(probe=local("part"), part=remote("help", "do"), other=remote("x", "y"))),
        "help": read(beam(do=remote("mnesia", "start"), rest=remote("ssl", "start"))),
    }
    assert reached("skill", "probe/0", code.get).modules == {"mnesia"}


@pytest.mark.parametrize(
    "body",
    [
        remote("mnesia", "start"),
        remote("erlang", "apply", atom("mnesia"), atom("start"), NIL),
        local("spawn", atom("mnesia"), atom("start"), NIL),
        remote("probe_peer", "call", (Atom("var"), 1, Atom("P")), atom("mnesia"), atom("x"), NIL),
        (Atom("tuple"), 1, [atom("mnesia"), atom("start"), NIL]),
        (
            Atom("fun"),
            1,
            (Atom("function"), atom("mnesia"), atom("start"), (Atom("integer"), 1, 0)),
        ),
    ],
)
def test_every_way_to_write_a_call_is_seen(body: tuple[Any, ...]) -> None:
    """Written out, handed on as module, function and arguments, or as a fun."""
    assert "mnesia" in reached("skill", "f/0", {"skill": read(beam(f=body))}.get).modules


def test_an_application_that_is_started_by_name_is_seen() -> None:
    """Its modules may never be called."""
    body = remote("application", "ensure_all_started", atom("os_mon"))
    found = reached("skill", "f/0", {"skill": read(beam(f=body))}.get)
    assert found.applications == {"os_mon"}


def test_functions_that_call_each_other_are_followed_once() -> None:
    """A circle has an end."""
    code = {"skill": read(beam(a=local("b"), b=local("a")))}
    assert reached("skill", "a/0", code.get) == Called()


@pytest.mark.parametrize("content", [b"", b"FOR1" + bytes(30), beam()[:40]])
def test_what_is_no_beam_with_its_forms_is_told(content: bytes) -> None:
    """Whoever asks takes it for unknown."""
    with pytest.raises(Exception, match=r"no chunk|not one|term"):
        read(content)

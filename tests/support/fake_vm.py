"""A pretended VM on the far side of a channel, for tests of the runner and its lanes.

Knows: the bridge's frames. Must not know: claims. It speaks the real protocol: what a node sends is
taken apart, and each call of a probe is answered as the script of its function says.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from support.judging import build

from harness.bridge import messages
from harness.bridge.channel import Limits
from harness.bridge.framing import frame
from harness.bridge.terms import Atom, Term, decode, encode
from harness.collect.workshop import Workshop
from harness.errors import InfrastructureError
from harness.runtimes import Runtime

_HEADER_BYTES = 4


@dataclass(frozen=True)
class Gives:
    """Answer with evidence, leaving something behind where leftovers are named."""

    evidence: Mapping[str, Any]
    leftovers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Raises:
    """Answer that the probe raised."""

    reason: str


class Dies:
    """End the VM in the middle of the call."""


class Hangs:
    """Never answer."""


Action = Gives | Raises | Dies | Hangs
Script = Callable[[int], Action]
"""What a function does on its n-th call, counted from 0 over all VMs."""


@dataclass
class Fleet:
    """Start pretended VMs; keep what happened on which, in order.

    `refuse` is how many starts fail from now on, a release at a time; `dying` is how many VMs end
    before they have said who they are.
    """

    scripts: Mapping[str, Script]
    refuse: dict[str, int] = field(default_factory=dict)
    dying: int = 0
    calls: list[tuple[str, str]] = field(default_factory=list)
    started: list[tuple[str, tuple[str, ...], Limits]] = field(default_factory=list)
    before_answer: Callable[[str, str], None] = lambda _vm, _function: None
    lock: threading.Lock = field(default_factory=threading.Lock)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def runtime(self, name: str) -> Runtime:
        """Return a runtime whose VMs are these."""
        release = int(name.removeprefix("otp"))
        return Runtime(release=release, way="host", origin="nowhere", launcher=Starter(self, name))

    def action(self, vm: str, function: str) -> Action:
        """Note a call and return what it does."""
        with self.lock:
            self.calls.append((vm, function))
            number = self.counts[function]
            self.counts[function] += 1
        self.before_answer(vm, function)
        return self.scripts[function](number)


@dataclass
class Starter:
    """Be the launcher of one release."""

    fleet: Fleet
    release: str

    def start(
        self, *, name: str, flags: Sequence[str], env: Mapping[str, str], limits: Limits
    ) -> FakeChannel:
        """Start a pretended VM."""
        del env
        if self.fleet.refuse.get(self.release, 0):
            self.fleet.refuse[self.release] -= 1
            raise InfrastructureError("no such VM")
        self.fleet.started.append((name, tuple(flags), limits))
        return FakeChannel(self.fleet, name, self.release)


class FakeChannel:
    """Be the pipe of one pretended VM."""

    def __init__(self, fleet: Fleet, name: str, release: str) -> None:
        self.keep = False
        self._fleet = fleet
        self._name = name
        self._version = f"{release.removeprefix('otp')}.3"
        self._unread = b""
        self._answers = b""
        self._booted = False
        self._ended = threading.Event()
        self._status: int | None = None

    def read(self, size: int, deadline: float) -> bytes:
        if not self._answers and not self._ended.wait(deadline - time.monotonic()):
            raise TimeoutError("no answer")
        data, self._answers = self._answers[:size], self._answers[size:]
        return data

    def write(self, data: bytes, _deadline: float) -> None:
        if self._ended.is_set():
            raise BrokenPipeError
        self._unread += data
        while (payload := self._next_frame()) is not None:
            if self._booted:
                self._take(decode(payload))
            self._booted = True

    def log(self) -> bytes:
        return b""

    def kill(self) -> None:
        self._end(-9)

    def wait(self, _deadline: float) -> int | None:
        return self._status

    def _end(self, status: int) -> None:
        self._status = status if self._status is None else self._status
        self._ended.set()

    def _next_frame(self) -> bytes | None:
        size = int.from_bytes(self._unread[:_HEADER_BYTES])
        whole = _HEADER_BYTES + size
        if len(self._unread) < whole or not self._unread:
            return None
        payload, self._unread = self._unread[_HEADER_BYTES:whole], self._unread[whole:]
        return payload

    def _take(self, message: Any) -> None:
        _, call_id, module, function, args, _ = message
        match (module.name, function.name):
            case ("erlang", "halt"):
                self._end(0)
            case (_, "identity") if self._fleet.dying:
                self._fleet.dying -= 1
                self._end(-9)
            case (_, "identity"):
                self._answer(call_id, msgspec.to_builtins(build(self._version)))
            case (_, "own_beam"):
                self._answer(call_id, b"FOR1\xff")
            case (_, "probe"):
                self._play(call_id, self._fleet.action(self._name, args[1].name))
            case _:
                self._answer(call_id, Atom("ok"))

    def _play(self, call_id: int, action: Action) -> None:
        match action:
            case Gives(evidence, leftovers):
                self._ended_so(call_id, {"value": dict(evidence), "probe_us": 5}, leftovers)
            case Raises(reason):
                self._ended_so(call_id, {"error_class": "error", "reason": reason}, ())
            case Dies():
                self._end(-11)

    def _ended_so(self, call_id: int, outcome: dict[str, Any], leftovers: tuple[str, ...]) -> None:
        text = msgspec.json.encode(outcome).decode()
        self._answer(call_id, (text, list(leftovers), False))

    def _answer(self, call_id: int, value: Term) -> None:
        self._answers += frame(messages._opening("r", call_id) + encode(value)[1:])


class NoProbes:
    """Be a store of probes whose code nobody runs."""

    def bridge_beams(self) -> dict[str, bytes]:
        return {build().erts_version: b"FOR1\xff"}

    def source(self, _module: str) -> bytes:
        return b""

    def closure(self, module: str) -> tuple[str, ...]:
        return (module,)

    def source_sha256(self, _module: str) -> str:
        return "00"

    def beams(self, _node: object, modules: Sequence[str]) -> dict[str, bytes]:
        return dict.fromkeys(modules, b"FOR1\xff")


class HasEverything:
    """Be what says that a VM lacks nothing."""

    def require(self, *_anything: object) -> None: ...


def workshop() -> Workshop:
    """Return what lanes share, with nothing to compile."""
    return Workshop(
        run="test",
        probes=NoProbes(),  # type: ignore[arg-type]
        native=None,  # type: ignore[arg-type]
        applications=HasEverything(),  # type: ignore[arg-type]
    )

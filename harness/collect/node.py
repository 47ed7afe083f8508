"""One live VM that runs probes: open, load, call, close.

Knows: the bridge's entries, and what its VM was given. Must not know: predictions, pipes, or how
a VM is started.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self, TypeVar

from harness.bridge.channel import Launcher, Limits
from harness.bridge.terms import Atom, Term
from harness.collect.compiled import Compiled, ModuleText
from harness.collect.outcome import Answer, outcome_of, probed_of, raised
from harness.collect.probes import BRIDGE, COMPANIONS, ProbeStore
from harness.collect.started import StartedVm
from harness.errors import (
    CallTimeoutError,
    InfrastructureError,
    NoCompilerError,
    NodeDiedError,
    NodeError,
    ProtocolError,
    RemoteError,
)
from harness.folders import default_probes_dir
from harness.run.model import Build
from harness.system.retries import again

T = TypeVar("T")

START_TIMEOUT_S = 20.0
_START_ATTEMPTS = 2
_LOAD_TIMEOUT_S = 20.0
_COMPILE_TIMEOUT_S = 120.0
_NO_DUMP = {"ERL_CRASH_DUMP_SECONDS": "0"}
"""A node's dump is of no use to anybody and takes long; peers have dumps of their own."""


class Node:
    """Be one VM of a runtime; use as a context manager, or `open` and `close` it.

    One thread calls at a time; `kill` may come from any.

    Args:
        launcher: starts the VM.
        name: told to the launcher; unique on this machine.
        flags: of the emulator and the VM, as on erl's command line.
        limits: what the VM may use.
        probes: where modules come from; by default those that came with the package.
        start_timeout_s: how long the VM may take to be ready.
    """

    def __init__(  # noqa: PLR0913 - what makes a node
        self,
        launcher: Launcher,
        *,
        name: str,
        flags: Sequence[str] = (),
        limits: Limits | None = None,
        probes: ProbeStore | None = None,
        start_timeout_s: float = START_TIMEOUT_S,
    ) -> None:
        self.name = name
        self.keep = False
        self._launcher = launcher
        self._flags = tuple(flags)
        self._limits = limits or Limits()
        self._probes = probes or ProbeStore(default_probes_dir())
        self._slowness = self._limits.slowness
        self._start_timeout_s = start_timeout_s * self._slowness
        self._vm: StartedVm | None = None
        self._build: Build | None = None
        self._loaded: set[str] = set()
        self._compiler: Node | None = None
        self._killed = False

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Tell whether the node may be called."""
        return self._vm is not None and self._vm.alive

    def fit(self) -> bool:
        """Tell whether the node may be called, and end one that said something unasked."""
        return self._vm is not None and self._vm.fit()

    @property
    def build(self) -> Build:
        """Return who the VM is, as it answered when it started."""
        if self._build is None:
            raise NodeDiedError(f"{self.name} was never opened")
        return self._build

    def open(self) -> None:
        """Start the VM and ask who it is; an open node stays as it is.

        Raises:
            InfrastructureError: the VM does not start, or ends while it boots.
        """
        if self._vm is not None:
            return
        try:
            if self._started():  # a VM that ran its compiler is not what probes should find
                self._started()
        except NodeError as error:
            said = self.take_log().strip().splitlines()
            self._vm = None
            text = f"{self.name} does not start: {error.message}"
            raise InfrastructureError("\n  ".join([text, *said[:12]])) from error

    def call(
        self, module: str, function: str, args: Sequence[Any] = (), *, timeout_s: float
    ) -> Answer:
        """Call any function; its value is made plain.

        Raises:
            CallTimeoutError: no answer in time; the node has been killed.
            NodeDiedError: the VM ended; the message says how, `take_log` what it printed.
            ProtocolError: the VM sent what is no answer; the node has been killed.
            RemoteError: the function raised this; the node goes on.
        """
        self._load(COMPANIONS)
        inner: list[Term] = [Atom(module), Atom(function), list(args)]
        what = f"{module}:{function}/{len(args)}"
        term, elapsed_us = self._ask("call", inner, timeout_s, what)
        outcome = self._read(outcome_of, term, what)
        if (error := raised(outcome)) is not None:
            raise error
        return Answer(value=outcome.value, elapsed_us=elapsed_us, log=self.take_log())

    def probe(
        self, module: str, function: str, args: Mapping[str, Any], *, timeout_s: float
    ) -> Answer:
        """Run a probe in a fresh process of the VM, loading its module first if need be.

        Args:
            module: a module of the probes' folder.
            function: the probe.
            args: arrive as a map with atoms as keys, in nested maps, too.
            timeout_s: for the probe alone, not for compiling or loading.

        Returns:
            The evidence, a JSON object, and what the probe left in the VM; so does a RemoteError.

        Raises:
            CompileError: the release's compiler refused the module.
            CallTimeoutError, NodeDiedError, ProtocolError, RemoteError: as for `call`; a
                RemoteError of class `bad_evidence` says what is wrong with what it returned.
        """
        self._load((*COMPANIONS, *self._probes.closure(module)))
        inner: list[Term] = [Atom(module), Atom(function), _atom_keys(args)]
        what = f"{module}:{function}"
        try:
            term, elapsed_us = self._ask("probe", inner, timeout_s, what)
        except RemoteError as error:  # not the probe: what it raised would be an outcome
            self.kill()
            where = "".join(f"\n  {entry}" for entry in error.stacktrace[:3])
            raise ProtocolError(f"the bridge itself failed: {error.message}{where}") from error
        probed = self._read(probed_of, term, what)
        if (found := probed.raised()) is not None:
            raise found
        return Answer(
            value=probed.outcome.value,
            elapsed_us=elapsed_us,
            probe_us=probed.outcome.probe_us,
            log=self.take_log(),
            leftovers=probed.leftovers,
            spent=probed.spent,
        )

    def load(self, modules: Iterable[str]) -> None:
        """Load modules of the probes' folder that are not there yet, to be called by `call`.

        Raises:
            CompileError: the release's compiler refused one.
            NodeError: as for `call`; a RemoteError says what the VM has against a module.
        """
        self._load((*COMPANIONS, *modules))

    def read_file(self, path: str, *, timeout_s: float = _LOAD_TIMEOUT_S) -> bytes:
        """Return the content of a file that the VM can see.

        Raises:
            RemoteError: it cannot be read; the reason is Erlang's.
        """
        match self._opened().call("file", "read_file", [path], timeout_s):
            case (Atom("ok"), bytes(content)):
                return content
            case (Atom("ok"), str(text)):
                return text.encode()
            case (_, Atom(reason)):
                raise RemoteError("error", f"{reason}: {path}")
            case other:
                raise RemoteError("error", f"{other!r}: {path}")

    def compile(self, sources: Sequence[ModuleText]) -> Sequence[Compiled]:
        """Compile sources on a second VM of the same runtime, which ends afterwards or with this.

        Raises:
            InfrastructureError: that VM does not start.
            NodeDiedError: it ended.
        """
        compiler = self._compiler = self.beside("compile")
        if self._killed:  # from another thread, before there was a second one to kill
            compiler.kill()
        with compiler:
            return [compiler.compile_here(*source) for source in sources]

    def compile_here(self, name: str, source: bytes) -> Compiled:
        """Compile a module on this VM, which is not what probes should find afterwards."""
        found = self._raw("compile", [Atom(name), source], _COMPILE_TIMEOUT_S)
        if isinstance(found, dict):
            beam, errors = found.get(Atom("beam")), found.get(Atom("errors"))
            warnings = found.get(Atom("warnings"), "")
            if isinstance(beam, bytes) and isinstance(warnings, str):
                return Compiled(beam=beam, warnings=warnings)
            if isinstance(errors, str):
                return Compiled(errors=errors)
        raise ProtocolError(f"not what a compiler returns: {repr(found)[:200]}")

    def beside(self, purpose: str) -> Node:
        """Return a second node of the same runtime, without flags and not open yet."""
        return Node(self._launcher, name=f"{self.name}-{purpose}", probes=self._probes)

    def take_log(self) -> str:
        """Return what the VM has printed since the last call, also after its death."""
        return "" if self._vm is None else self._vm.take_log()

    def close(self) -> None:
        """Have the VM halt in good order, kill it after a second; repeatable, never raises."""
        if self._vm is not None:
            self._vm.close(keep=self.keep)

    def kill(self) -> None:
        """End the VM at once, and whatever it started; from any thread, never raises."""
        self._killed = True
        if self._compiler is not None:
            self._compiler.kill()
        if self._vm is not None:
            self._vm.kill(keep=self.keep)

    def _started(self) -> bool:
        """Start a VM, again if it was not ready in time or died: that is no broken runtime yet."""
        lost = (CallTimeoutError, NodeDiedError)
        return again(self._started_once, lost, attempts=_START_ATTEMPTS)

    def _started_once(self) -> bool:
        """Start one VM, a second time with a bridge compiled elsewhere if it has no compiler."""
        if self._killed:
            raise InfrastructureError(f"{self.name} was ended while it started")
        try:
            return self._start()
        except NoCompilerError as error:
            self._probes.lend_bridge(error.erts_version, error.release)
            return self._start()

    def _start(self) -> bool:
        """Start one VM in the place of the last; tell whether it had to compile the bridge."""
        deadline = time.monotonic() + self._start_timeout_s
        if self._vm is not None:
            self._vm.kill()
        self._loaded.clear()
        beams = self._probes.bridge_beams()
        channel = self._launcher.start(
            name=self.name, flags=self._flags, env=_NO_DUMP, limits=self._limits
        )
        vm = self._vm = StartedVm(self.name, channel)
        if self._killed:  # from another thread, before there was anything to kill
            vm.kill()
        self._build = vm.boot(beams, self._probes.source(BRIDGE), deadline)
        known = self._build.erts_version in beams or not self._build.has_compiler
        if not known:
            self._probes.keep_bridge(self._build.erts_version, vm.own_beam(deadline))
        return not known

    def _load(self, names: Iterable[str]) -> None:
        wanted = [name for name in names if name not in self._loaded]
        if not wanted:
            return
        beams = self._probes.beams(self, wanted)
        modules: Term = [(Atom(name), beam) for name, beam in beams.items()]
        self._raw("load", [modules], _LOAD_TIMEOUT_S * self._slowness)
        self._loaded.update(wanted)

    def _raw(self, function: str, args: list[Term], timeout_s: float) -> Term:
        """Call a function of the bridge."""
        return self._opened().call(BRIDGE, function, args, timeout_s)

    def _opened(self) -> StartedVm:
        if self._vm is None:
            raise NodeDiedError(f"{self.name} is closed")
        return self._vm

    def _ask(self, entry: str, inner: list[Term], timeout_s: float, what: str) -> tuple[Term, int]:
        """Have the bridge do something; return what it answered and after how many microseconds."""
        start = time.perf_counter_ns()
        try:
            term = self._raw(entry, inner, timeout_s)
        except NodeError as error:
            error.message = f"{what}: {error.message}"
            error.args = (error.message,)
            raise
        return term, (time.perf_counter_ns() - start) // 1000

    def _read(self, decode: Callable[[Term], T], term: Term, what: str) -> T:
        try:
            return decode(term)
        except ProtocolError as error:
            self.kill()
            raise ProtocolError(f"{what}: {error.message}") from error


def _atom_keys(value: Any) -> Any:
    """Give maps atoms as keys, as probes read them."""
    if isinstance(value, Mapping):
        return {Atom(str(key)): _atom_keys(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_atom_keys(item) for item in value]
    return value

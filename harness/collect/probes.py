"""Probe modules: their sources, and their beams as compiled on the runtime under test.

Knows: the folder of sources and the cache. Must not know: how a VM is reached; it is handed a
compiler to ask.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.errors import CompileError, InputError
from harness.folders import own_probes_dir
from harness.run.model import Build

BRIDGE = "probe_bridge"
SUPPORT = ("probe_capture", "probe_lib", "probe_measure", "probe_peer")
"""Modules that every probe may use; a folder without them has ours."""

_FORMAT = b"1"  # part of every key: changes with the compiler options of probe_bridge:compile/2
_KEY_CHARS = 24


@dataclass(frozen=True, slots=True)
class Compiled:
    """Hold what a VM made of one source: its code, or the compiler's complaints."""

    beam: bytes | None = None
    errors: str | None = None


class CompilesProbes(Protocol):
    """Be a node whose runtime can compile; see `harness.node.Node`."""

    @property
    def build(self) -> Build:
        """Return who the VM is."""

    def compile(self, sources: Mapping[str, bytes]) -> Mapping[str, Compiled]:
        """Compile modules on a VM of the same runtime that runs no probes."""


class ProbeStore:
    """Keep the beams of a folder of probes, one a build and source; safe to share among threads.

    Args:
        probes_dir: the folder with the sources.
        cache_dir: where beams are kept; None keeps them in memory only.
        changed: sources, by module, that stand in place of the folder's.
    """

    def __init__(
        self,
        probes_dir: Path,
        cache_dir: Path | None = None,
        changed: Mapping[str, bytes] | None = None,
    ) -> None:
        self._probes_dir = probes_dir
        self._cache_dir = cache_dir
        self._sources: dict[str, bytes] = dict(changed or {})
        self._closures: dict[str, tuple[str, ...]] = {}
        self._beams: dict[str, Compiled] = {}
        self._lock = threading.Lock()
        self._compiling: dict[str, threading.Lock] = {}

    def modules(self) -> tuple[str, ...]:
        """Return every module that can be asked for, sorted."""
        names = {path.stem for path in self._probes_dir.glob("*.erl")}
        return tuple(sorted(names | set(SUPPORT)))

    def with_changed(self, changed: Mapping[str, bytes]) -> ProbeStore:
        """Return a store of the same folder in which some sources are other ones."""
        return ProbeStore(self._probes_dir, self._cache_dir, changed)

    def source(self, module: str) -> bytes:
        """Return a module's source, the same for the whole life of the store.

        Raises:
            InputError: there is no such module.
        """
        with self._lock:
            if module not in self._sources:
                self._sources[module] = self._read(module)
            return self._sources[module]

    def closure(self, module: str) -> tuple[str, ...]:
        """Return a module and the others of the folder that it mentions, sorted."""
        if module not in self._closures:
            self._closures[module] = self._find_closure(module)
        return self._closures[module]

    def source_sha256(self, module: str) -> str:
        """Return one hash of a module, of what it uses, and of the bridge that runs it."""
        digest = hashlib.sha256()
        for name in (BRIDGE, *self.closure(module)):
            digest.update(hashlib.sha256(self.source(name)).digest())
        return digest.hexdigest()

    def beam(self, node: CompilesProbes, module: str) -> bytes:
        """Return a module's code for the node's build.

        Raises:
            CompileError: the compiler of that release refused it.
            InputError: there is no such module.
        """
        return self.beams(node, (module,))[module]

    def beams(self, node: CompilesProbes, modules: Iterable[str]) -> dict[str, bytes]:
        """Return the code of several modules, compiling what is missing all at once.

        Raises:
            CompileError: the compiler of that release refused one; the text is the compiler's.
            InputError: there is no such module.
        """
        keys = {module: self._key(node.build, module) for module in modules}
        with self._lock:
            compiling = self._compiling.setdefault(_build_key(node.build), threading.Lock())
        with compiling:
            missing = {name: key for name, key in keys.items() if not self._is_known(key)}
            if missing:
                made = node.compile({name: self.source(name) for name in missing})
                for name, compiled in made.items():
                    self._keep(missing[name], compiled)
        return {name: _beam_of(name, node.build, self._beams[key]) for name, key in keys.items()}

    def bridge_beams(self) -> dict[str, bytes]:
        """Return what is known of the bridge's own code, by ERTS version."""
        if self._cache_dir is not None:
            for path in self._cache_dir.glob(f"{BRIDGE}-*-{self._bridge_key()}.beam"):
                self._is_known(path.stem)
        prefix, suffix = f"{BRIDGE}-", f"-{self._bridge_key()}"
        return {
            key[len(prefix) : -len(suffix)]: known.beam
            for key, known in list(self._beams.items())
            if key.startswith(prefix) and key.endswith(suffix) and known.beam is not None
        }

    def keep_bridge(self, erts_version: str, beam: bytes) -> None:
        """Keep the bridge's code as some VM compiled it."""
        self._keep(f"{BRIDGE}-{erts_version}-{self._bridge_key()}", Compiled(beam=beam))

    def _find_closure(self, module: str) -> tuple[str, ...]:
        names = self.modules()
        word = re.compile(rb"\b(?:%s)\b" % b"|".join(name.encode() for name in names))
        found: set[str] = set()
        wanted = {module}
        while wanted:
            name = wanted.pop()
            found.add(name)
            mentioned = {match.decode() for match in word.findall(self.source(name))}
            wanted |= mentioned - found - {BRIDGE}
        return tuple(sorted(found))

    def _bridge_key(self) -> str:
        return hashlib.sha256(_FORMAT + self.source(BRIDGE)).hexdigest()[:_KEY_CHARS]

    def _key(self, build: Build, module: str) -> str:
        digest = hashlib.sha256(_FORMAT + self.source(module)).hexdigest()[:_KEY_CHARS]
        return f"{module}-{_build_key(build)}-{digest}"

    def _read(self, module: str) -> bytes:
        path = self._probes_dir / f"{module}.erl"
        if module in {BRIDGE, *SUPPORT} and not path.is_file():
            path = own_probes_dir() / path.name  # a team's own folder holds only its own probes
        try:
            return path.read_bytes()
        except OSError as error:
            raise InputError(
                f"there is no probe module {module}: {path}: {error.strerror}",
                hint="a skill's probes are in the module of its name, with underscores",
            ) from error

    def _is_known(self, key: str) -> bool:
        if key in self._beams:
            return True
        if self._cache_dir is None:
            return False
        try:
            content = (self._cache_dir / f"{key}.beam").read_bytes()
        except OSError:
            return False
        if not content.startswith(b"FOR1"):
            return False  # damaged: it is compiled again and replaced
        self._beams[key] = Compiled(beam=content)
        return True

    def _keep(self, key: str, compiled: Compiled) -> None:
        self._beams[key] = compiled
        if self._cache_dir is None or compiled.beam is None:
            return
        with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
            self._cache_dir.mkdir(parents=True, exist_ok=True)
            _write_at_once(self._cache_dir / f"{key}.beam", compiled.beam)


def _build_key(build: Build) -> str:
    return f"{build.otp_version}-{build.erts_version}-{build.wordsize_bytes * 8}"


def _beam_of(module: str, build: Build, compiled: Compiled) -> bytes:
    if compiled.beam is None:
        raise CompileError(
            f"{module} does not compile on OTP {build.otp_version}:\n{compiled.errors}"
        )
    return compiled.beam


def _write_at_once(path: Path, content: bytes) -> None:
    """Write a file so that no reader ever sees half of it."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise

"""Probe modules: their sources, and their beams as compiled on the runtime under test.

Knows: the folder of sources and the cache. Must not know: how a VM is reached; it is handed a
compiler to ask.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path

import msgspec

from harness.bridge.boot import LENT
from harness.collect.cache import Cache
from harness.collect.compiled import (
    Compiled,
    CompilesProbes,
    Elsewhere,
    ModuleText,
    beam_of,
    build_key,
    digest_of,
    examined,
    key_of,
)
from harness.errors import DamagedError, InfrastructureError, InputError
from harness.folders import own_probes_dir
from harness.run.model import Build, Source

BRIDGE = "probe_bridge"
COMPANIONS = ("probe_evidence", "probe_state")
"""What the bridge needs for calls and probes, but not to start."""

SUPPORT = (
    *("probe_capture", "probe_lib", "probe_measure", "probe_native", "probe_peer", "probe_print"),
    *("probe_cluster", "probe_cluster_names", "probe_relay"),
)
"""Modules that every probe may use; a folder without them has ours."""

NATIVE_FOLDER = "c_src"
"""Name of the folder of C sources, below that of the probes: `<skill's module>.c`."""

CROSSREF = "probe_crossref"
"""The module that `beamproof compile` asks what calls what."""

TRY = ("probe_try", "probe_print")
"""The module that evaluates what arrives as text, and the one that it prints with."""

_BATCH = 32
"""So many sources of those that are expected are compiled on one VM, which takes some seconds."""


class ProbeStore:
    """Keep the beams of a folder of probes, one a build and source; safe to share among threads.

    Args:
        probes_dir: the folder with the sources.
        cache_dir: where beams are kept; None keeps them in memory only.
        changed: sources, by module, that stand in place of the folder's.
        cache: another store's, to be shared.

    `elsewhere` compiles for VMs without a compiler; `tell` is told what of the cache was damaged,
    and which modules a compiler warns of; those `warnings` are kept, by module.
    """

    def __init__(
        self,
        probes_dir: Path,
        cache_dir: Path | None = None,
        changed: Mapping[str, bytes] | None = None,
        cache: Cache | None = None,
    ) -> None:
        self.elsewhere: Elsewhere = _nowhere
        self.tell: Callable[[str], None] = lambda _line: None
        self.warnings: dict[str, str] = {}
        self._probes_dir = probes_dir
        self._cache = cache or Cache(cache_dir, ".beam")
        self._changed: dict[str, bytes] = dict(changed or {})
        self._sources: dict[str, bytes] = {}
        self._closures: dict[str, tuple[str, ...]] = {}
        self._beams: dict[str, Compiled] = {}
        self._lent: dict[str, bytes] = {}
        self._expected: list[ModuleText] = []
        self._lock = threading.Lock()
        self._compiling: dict[str, threading.Lock] = {}

    def modules(self) -> tuple[str, ...]:
        """Return every module that can be asked for, sorted."""
        names = {path.stem for path in self._probes_dir.glob("*.erl")}
        return tuple(sorted(names | set(SUPPORT)))

    def with_changed(self, changed: Mapping[str, bytes]) -> ProbeStore:
        """Return a store in which some sources are other ones; both know what either compiled."""
        store = ProbeStore(self._probes_dir, changed=changed, cache=self._cache)
        store.elsewhere, store.tell = self.elsewhere, self.tell
        store._sources, store._beams, store._expected = self._sources, self._beams, self._expected
        store._lock, store._compiling = self._lock, self._compiling
        return store

    def expect(self, sources: Iterable[ModuleText]) -> None:
        """Learn what stores `with_changed` will ask for: it is compiled many at a time."""
        self._expected.extend(sources)

    def alone(self) -> ProbeStore:
        """Return a store of the same folders that has nothing compiled elsewhere."""
        return ProbeStore(self._probes_dir, cache=self._cache)

    def source(self, module: str) -> bytes:
        """Return a module's source, the same for the whole life of the store.

        Raises:
            InputError: there is no such module.
        """
        if module in self._changed:
            return self._changed[module]
        with self._lock:
            if module not in self._sources:
                self._sources[module] = self._read(module)
            return self._sources[module]

    def native_source(self, module: str) -> bytes | None:
        """Return the C source of a skill's module, the same for the whole life of the store."""
        name = f"{module}.c"
        with self._lock:
            if name not in self._sources:
                path = self._probes_dir / NATIVE_FOLDER / name
                self._sources[name] = path.read_bytes() if path.is_file() else b""
            return self._sources[name] or None

    def closure(self, module: str) -> tuple[str, ...]:
        """Return a module and the others of the folder that it mentions, sorted."""
        if module not in self._closures:
            self._closures[module] = self._find_closure(module)
        return self._closures[module]

    def source_sha256(self, module: str) -> str:
        """Return one hash of a module, of what it uses, and of the bridge that runs it."""
        digest = hashlib.sha256(self.native_source(module) or b"")
        for name in (BRIDGE, *COMPANIONS, *self.closure(module)):
            digest.update(hashlib.sha256(self.source(name)).digest())
        return digest.hexdigest()

    def kept(self, module: str) -> tuple[Source, ...]:
        """Return a module's source and those that it uses, as a run keeps them."""
        texts = {f"{name}.erl": self.source(name) for name in self.closure(module)}
        native = self.native_source(module)
        if native is not None:
            texts[f"{module}.c"] = native
        hashes = {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()}
        own = f"{module}.erl"
        return tuple(
            Source(
                name=name,
                sha256=hashes[name],
                text=Source.pack(text),
                probe_sha256=self.source_sha256(module) if name == own else None,
                uses={other: one for other, one in hashes.items() if other != own}
                if name == own
                else {},
            )
            for name, text in texts.items()
        )

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
            InfrastructureError: the VM has no compiler, and there is none elsewhere.
            InputError: there is no such module.
        """
        found = self.compiled(node, modules)
        return {name: beam_of(name, compiled) for name, compiled in found.items()}

    def compiled(self, node: CompilesProbes, modules: Iterable[str]) -> dict[str, Compiled]:
        """Return what the node's compiler, or one elsewhere, makes of modules.

        Raises:
            InfrastructureError: the VM has no compiler, and there is none elsewhere.
            InputError: there is no such module.
        """
        wanted = tuple(modules)
        if not wanted:
            return {}
        compiler = node if node.build.has_compiler else self.elsewhere(node.build.otp_release)
        build = compiler.build
        sources = [(module, self.source(module)) for module in wanted]
        with self._lock:
            compiling = self._compiling.setdefault(build_key(build), threading.Lock())
        with compiling:
            missing = self._unknown(build, sources)
            if missing:
                missing |= dict(islice(self._unknown(build, self._expected).items(), _BATCH))
                made = compiler.compile(list(missing.values()))
                for key, found in zip(missing, made, strict=True):
                    self._keep(key, examined(found, build))
        known = {source[0]: self._beams[key_of(build, source)] for source in sources}
        self._note_warnings(known)
        return known

    def _unknown(self, build: Build, sources: Iterable[ModuleText]) -> dict[str, ModuleText]:
        """Return those of the sources that are not compiled yet, by their keys."""
        keys = {key_of(build, source): source for source in sources}
        return {key: source for key, source in keys.items() if not self._is_known(key)}

    def bridge_beams(self) -> dict[str, bytes]:
        """Return what is known of the bridge's own code, by ERTS version."""
        for key in self._cache.keys(f"{BRIDGE}-*-{self._bridge_key()}"):
            self._is_known(key)
        prefix, suffix = f"{BRIDGE}-", f"-{self._bridge_key()}"
        return self._lent | {
            key[len(prefix) : -len(suffix)]: known.beam
            for key, known in list(self._beams.items())
            if key.startswith(prefix) and key.endswith(suffix) and known.beam is not None
        }

    def keep_bridge(self, erts_version: str, beam: bytes) -> None:
        """Keep the bridge's code as some VM compiled it."""
        self._keep(f"{BRIDGE}-{erts_version}-{self._bridge_key()}", Compiled(beam=beam))

    def lend_bridge(self, erts_version: str, release: int) -> None:
        """Have the bridge compiled elsewhere, for a VM without a compiler.

        Raises:
            InfrastructureError: there is no compiler elsewhere.
        """
        compiler = self.elsewhere(release)
        self._lent[LENT + erts_version] = self.beam(compiler, BRIDGE)

    def _note_warnings(self, found: Mapping[str, Compiled]) -> None:
        """Tell once of each module and warning; a warning is no error but in `make check`."""
        for name, compiled in found.items():
            text = compiled.warnings
            if text and text not in self.warnings.get(name, ""):
                self.warnings[name] = self.warnings.get(name, "") + text
                on, _, places = text.partition(":\n")
                first = places.strip().splitlines()[0]
                self.tell(f"{on} warns of {name}: {first} (beamproof compile shows all)")

    def _find_closure(self, module: str) -> tuple[str, ...]:
        names = self.modules()
        word = re.compile(rb"\b(?:%s)\b" % b"|".join(name.encode() for name in names))
        found: set[str] = set()
        wanted = {module}
        while wanted:
            name = wanted.pop()
            found.add(name)
            mentioned = {match.decode() for match in word.findall(self.source(name))}
            wanted |= mentioned - found - {BRIDGE, *COMPANIONS}
        return tuple(sorted(found))

    def _bridge_key(self) -> str:
        return digest_of(self.source(BRIDGE))

    def _read(self, module: str) -> bytes:
        path = self._probes_dir / f"{module}.erl"
        if module in {BRIDGE, CROSSREF, *TRY, *COMPANIONS, *SUPPORT} and not path.is_file():
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
        try:
            content = self._cache.read(key)
            if content is None:
                return False
            self._beams[key] = msgspec.msgpack.decode(content, type=Compiled)
        except (DamagedError, msgspec.DecodeError):
            self.tell(f"the cached code {key} is damaged; it is compiled again")
            return False
        return True

    def _keep(self, key: str, compiled: Compiled) -> None:
        self._beams[key] = compiled
        if compiled.beam is not None:
            self._cache.write(key, msgspec.msgpack.encode(compiled))


def _nowhere(release: int) -> CompilesProbes:
    raise InfrastructureError(
        f"OTP {release} has no compiler here, and nothing else compiles for it",
        hint="beamproof otp install fetches a release that can",
    )

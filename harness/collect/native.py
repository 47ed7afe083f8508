"""Native libraries for probes: one a skill, built once a runtime against that runtime's headers.

Knows: which C source a library is made of, where a runtime keeps `erl_nif.h`, what has been built.
Must not know: how a compiler is called; what the library does or which claim wants it.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from harness.collect import foundry
from harness.collect.cache import Cache
from harness.collect.node import Node
from harness.collect.probes import ProbeStore
from harness.errors import (
    BeamproofError,
    CompileError,
    DamagedError,
    RemoteError,
    UnmetNeedError,
)

HEADERS = ("erl_nif.h", "erl_nif_api_funcs.h", "erl_drv_nif.h", "erl_int_sizes_config.h")
"""What `erl_nif.h` includes of OTP. Source: erts/emulator/beam/erl_nif.h."""

_CALL_TIMEOUT_S = 10.0
_KEY_CHARS = 16


@dataclass(slots=True)
class NativeStore:
    """Build and keep the libraries of probe modules; safe to share among threads.

    Args:
        probes: holds the C sources.
        cache: folder for what was built, one file a source, set of headers and platform.
    """

    probes: ProbeStore
    cache: Path
    _known: dict[tuple[str, str], bytes | BeamproofError] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def library(self, node: Node, runtime: str, module: str) -> bytes:
        """Return the shared object of a probe module.

        Args:
            node: an open node of the runtime.
            runtime: its name.
            module: the skill's module, whose C source has its name.

        Raises:
            UnmetNeedError: the runtime has no headers, or nothing here compiles for it.
            CompileError: there is no such source, or the compiler refused it.
            InfrastructureError: a second VM, which was to compile, does not start.
        """
        with self._lock:
            key = (runtime, module)
            if key not in self._known:
                try:
                    self._known[key] = self._library(node, module)
                except (CompileError, UnmetNeedError) as error:  # the next claim gets it as well
                    self._known[key] = error
            found = self._known[key]
        if isinstance(found, BeamproofError):
            raise type(found)(found.message, hint=found.hint)
        return found

    def _library(self, node: Node, module: str) -> bytes:
        source = self.probes.native_source(module)
        if source is None:
            raise CompileError(f"{module} needs native code, but its folder has no {module}.c")
        job = foundry.Job(name=module, source=source, headers=_headers(node))
        platform = foundry.platform_of(node)
        key = f"{module}-{platform.name}-{_digest(job)}"
        kept = Cache(self.cache, ".lib")
        with suppress(DamagedError):  # then it is built again
            if (there := kept.read(key)) is not None:
                return there
        library = foundry.build(node, platform, job)
        kept.write(key, library)
        return library


def _headers(node: Node) -> Mapping[str, bytes]:
    root = foundry.text_of(node.call("code", "root_dir", (), timeout_s=_CALL_TIMEOUT_S).value)
    own = f"{root}/erts-{node.build.erts_version}/include"
    for folder in (f"{root}/usr/include", own):  # a release of one's own has only the latter
        with suppress(RemoteError):
            return {name: node.read_file(f"{folder}/{name}") for name in HEADERS}
    raise UnmetNeedError(f"the probe needs erl_nif.h, which OTP below {root} does not have")


def _digest(job: foundry.Job) -> str:
    """Return a hash of all that a library is made of, and of how."""
    digest = hashlib.sha256(" ".join(foundry.OPTIONS).encode())
    for name, text in sorted({job.name: job.source, **job.headers}.items()):
        digest.update(f"{name} {len(text)} ".encode() + text)
    return digest.hexdigest()[:_KEY_CHARS]

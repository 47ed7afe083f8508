"""Native libraries for probes: built on the host against the headers of the runtime under test.

Knows: the C compiler of this machine and where a runtime keeps `erl_nif.h`. Must not know: what
the library does or which claim wants it. The library needs no C library of its own (`-nostdlib`),
so one built here loads in any image of the same architecture.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from harness.collect.node import Node
from harness.errors import CompileError, DamagedError, RemoteError, StorageError, UnmetNeedError
from harness.system import files

HEADERS = ("erl_nif.h", "erl_nif_api_funcs.h", "erl_drv_nif.h", "erl_int_sizes_config.h")
"""What `erl_nif.h` includes. Source: erts/emulator/beam/erl_nif.h."""

_COMPILE_TIMEOUT_S = 60.0
_CALL_TIMEOUT_S = 10.0


@dataclass(slots=True)
class NativeStore:
    """Build and cache the library of a probe module, one a module, header set and source.

    Args:
        sources: folder with `<module>.c`.
        cache: folder for what was built.
    """

    sources: Path
    cache: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def library(self, node: Node, module: str) -> bytes:
        """Return the shared object for the node's build.

        Raises:
            UnmetNeedError: no C compiler, or no headers in the runtime.
        CompileError: there is no such source, or the compiler refused it.
        """
        source = self.sources / f"{module}.c"
        if not source.is_file():
            raise CompileError(f"{module} needs a NIF, but there is no {source}")
        headers = self._headers(node)
        digest = hashlib.sha256(source.read_bytes())
        for name in sorted(headers):
            digest.update(headers[name])
        target = self.cache / f"{module}-{digest.hexdigest()[:16]}.lib"
        with self._lock:
            if (there := self._cached(target)) is not None:
                return there
            return self._build(source, headers, target)

    def _cached(self, target: Path) -> bytes | None:
        with suppress(DamagedError):  # then it is built again
            return files.read_sealed(target)
        return None

    def _headers(self, node: Node) -> dict[str, bytes]:
        root = _text(node.call("code", "root_dir", (), timeout_s=_CALL_TIMEOUT_S).value)
        own = f"{root}/erts-{node.build.erts_version}/include"
        for folder in (f"{root}/usr/include", own):  # a release of one's own has only the latter
            with suppress(RemoteError):
                return {name: node.read_file(f"{folder}/{name}") for name in HEADERS}
        raise UnmetNeedError(f"this probe needs erl_nif.h, which OTP below {root} does not have")

    def _build(self, source: Path, headers: dict[str, bytes], target: Path) -> bytes:
        compiler = shutil.which(os.environ.get("CC", "cc"))
        if compiler is None:
            raise UnmetNeedError("this probe needs a C compiler on the PATH (cc): install gcc")
        with tempfile.TemporaryDirectory(prefix="beamproof-nif-") as folder:
            for name, text in headers.items():
                (Path(folder) / name).write_bytes(text)
            built = Path(folder) / target.name
            command = [compiler, "-shared", "-fPIC", "-O1", "-nostdlib", "-Wall", "-Werror"]
            command += ["-I", folder, "-o", str(built), str(source)]
            result = subprocess.run(
                command, capture_output=True, text=True, timeout=_COMPILE_TIMEOUT_S, check=False
            )
            if result.returncode != 0:
                raise CompileError(f"{source} does not compile:\n{result.stderr.strip()}")
            library = built.read_bytes()
        with suppress(StorageError):  # a cache that cannot be written only costs time
            files.write_sealed(target, library)
        return library


def _text(value: object) -> str:
    if isinstance(value, list):
        return bytes(value).decode()
    return str(value)

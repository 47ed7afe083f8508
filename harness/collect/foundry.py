"""C compilers for native probes: one that the VM finds where it runs, else this machine's.

Knows: how a C compiler is called, which platform it compiles for, whether a VM is of that one.
Must not know: what is compiled, or where libraries are kept.

A library is linked to nothing (`-nostdlib`): it finds what it calls in the C library that its VM
has loaded, whatever the version of that one. Its kind must fit: it was compiled against the
headers of one, and types differ.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.collect.node import Node
from harness.errors import CompileError, RemoteError, UnmetNeedError

OPTIONS = (
    *("-shared", "-fPIC", "-O1", "-nostdlib", "-fno-stack-protector"),
    *("-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-I."),
)
"""Of every compiler; the headers lie beside the source."""

_COMPILERS = ("cc", "gcc", "clang")
_COMPILE_TIMEOUT_S = 60.0
_CALL_TIMEOUT_S = 10.0
_LIBC_NAMES = {"musl": "musl", "gnu": "glibc"}
_LOADED = {"musl": re.compile(r"/ld-musl|/libc\.musl"), "glibc": re.compile(r"/libc(\.so\.6|-2\.)")}
"""How a process' map of memory names the C library that it has loaded."""

_SAME_MACHINE = {"amd64": "x86_64", "arm64": "aarch64", "i386": "i686", "i486": "i686"}
_DONE = re.compile(r"beamproof exit (\d+)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Hold a C source with the headers that it includes, by name."""

    name: str
    source: bytes
    headers: Mapping[str, bytes]

    @property
    def files(self) -> Mapping[str, bytes]:
        """Return what the compiler reads, by the name of the file."""
        return {f"{self.name}.c": self.source, **self.headers}

    @property
    def command(self) -> tuple[str, ...]:
        """Return the compiler's arguments, to be called where the files are."""
        return (*OPTIONS, "-o", f"{self.name}.so", f"{self.name}.c")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Say what code runs on: the processor and the kind of C library, as far as it is known."""

    machine: str
    libc: str

    @property
    def name(self) -> str:
        """Return `machine-libc`."""
        return f"{self.machine}-{self.libc or 'unknown'}"


def parsed(triple: str) -> Platform:
    """Return the platform that a triple names, e.g. `x86_64-pc-linux-gnu`."""
    machine, _, rest = triple.strip().partition("-")
    libc = next((name for mark, name in _LIBC_NAMES.items() if mark in rest), "")
    return Platform(machine=_SAME_MACHINE.get(machine, machine), libc=libc)


def platform_of(node: Node) -> Platform:
    """Return what a node's VM runs on: what it has loaded counts more than what it was built as."""
    built = parsed(node.build.system_architecture)
    maps = ""
    with suppress(RemoteError):  # no such file: not Linux
        maps = node.read_file("/proc/self/maps").decode(errors="replace")
    loaded = next((name for name, mark in _LOADED.items() if mark.search(maps)), built.libc)
    return Platform(machine=built.machine, libc=loaded)


def build(node: Node, platform: Platform, job: Job) -> bytes:
    """Return the shared object that a compiler makes for a node's VM.

    The one that the VM itself finds goes first; where it refuses (an image may have a compiler
    and no headers of its C library), this machine's is asked.

    Raises:
        UnmetNeedError: there is no compiler where the VM is, and none here that fits.
        CompileError: the text is the compiler's.
        InfrastructureError: a second VM, which was to compile, does not start.
    """
    refused: CompileError | None = None
    if (compiler := _found_by(node)) is not None:
        try:
            return _build_there(node, compiler, job)
        except CompileError as error:
            refused = error
    try:
        return _build_here(platform, job)
    except UnmetNeedError as error:
        raise refused or error from None


def text_of(value: object) -> str:
    """Return the text that a list of characters is, as Erlang's functions return it."""
    return "".join(chr(int(one)) for one in value) if isinstance(value, list) else ""


def _found_by(node: Node) -> str | None:
    for name in _COMPILERS:
        path = node.call("os", "find_executable", [_chars(name)], timeout_s=_CALL_TIMEOUT_S).value
        if isinstance(path, list):
            return name
    return None


def _build_there(node: Node, compiler: str, job: Job) -> bytes:
    """Compile on a second VM of the same runtime, in its scratch folder, which goes with it."""
    with node.beside("native") as other:
        for name, text in job.files.items():
            written = other.call("file", "write_file", [name, text], timeout_s=_CALL_TIMEOUT_S)
            if written.value != "ok":
                raise CompileError(f"no {name} can be written where {other.name} is")
        line = f"{compiler} {' '.join(job.command)} 2>&1; echo beamproof exit $?"
        said = text_of(other.call("os", "cmd", [_chars(line)], timeout_s=_COMPILE_TIMEOUT_S).value)
        done = _DONE.search(said)
        if done is None or done[1] != "0":
            raise _refused(job, said[: done.start()] if done else said)
        return other.read_file(f"{job.name}.so")


def _build_here(platform: Platform, job: Job) -> bytes:
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise UnmetNeedError(
            "the probe needs a C compiler, and there is none on the PATH (cc): install gcc"
        )
    _require_fit(platform, parsed(_run([compiler, "-dumpmachine"], None).stdout))
    with tempfile.TemporaryDirectory(prefix="beamproof-native-") as folder:
        for name, text in job.files.items():
            (Path(folder) / name).write_bytes(text)
        result = _run([compiler, *job.command], folder)
        if result.returncode != 0:
            raise _refused(job, result.stderr)
        return (Path(folder) / f"{job.name}.so").read_bytes()


def _require_fit(platform: Platform, made: Platform) -> None:
    """Refuse to send a VM what was made for another platform.

    Raises:
        UnmetNeedError: says in what they differ.
    """
    if platform.machine != made.machine:
        raise UnmetNeedError(
            f"the probe needs a C compiler: the VM's image has none, and this machine's makes code"
            f" for {made.machine}, not for {platform.machine}"
        )
    if platform.libc != made.libc:
        raise UnmetNeedError(
            f"the probe needs a C compiler: the VM's image has none, and this machine's compiles"
            f" against {made.libc or 'an unknown C library'}, while the VM's C library is"
            f" {platform.libc or 'unknown'}"
        )


def _run(command: list[str], folder: str | None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_COMPILE_TIMEOUT_S,
            check=False,
            cwd=folder,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CompileError(f"{command[0]} cannot be used: {error}") from error


def _refused(job: Job, said: str) -> CompileError:
    return CompileError(f"{job.name}.c does not compile:\n{said.strip()}")


def _chars(text: str) -> list[int]:
    """Return text as Erlang's functions of files and commands want it."""
    return list(text.encode())

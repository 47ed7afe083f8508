"""Native libraries: against which headers, by which compiler, and why there is none."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import msgspec
import pytest
from support.judging import build

from harness.collect import foundry
from harness.collect.foundry import Platform
from harness.collect.native import HEADERS, NativeStore
from harness.collect.outcome import Answer
from harness.collect.probes import ProbeStore
from harness.errors import CompileError, RemoteError, UnmetNeedError

ROOT = "/usr/lib/erlang"
GLIBC = b"7f00-7f01 r-xp 00000000 00:00 0 /usr/lib/x86_64-linux-gnu/libc.so.6\n"
MUSL = b"7f00-7f01 r-xp 00000000 00:00 0 /lib/ld-musl-x86_64.so.1\n"
HOST_CC = """#!{python}
import pathlib, sys
if "-dumpmachine" in sys.argv:
    print("{triple}")
elif "broken" in pathlib.Path("skill.c").read_text():
    sys.exit("skill.c:1: broken")
else:
    pathlib.Path("skill.so").write_bytes(b"made here of " + pathlib.Path("erl_nif.h").read_bytes())
"""


@dataclass
class Vm:
    """Be a node that has files and perhaps a compiler, and count what that one is asked."""

    maps: bytes = GLIBC
    triple: str = "x86_64-pc-linux-gnu"
    headers: str = f"{ROOT}/usr/include"
    compiler: str | None = None
    says: str = "beamproof exit 0\n"
    name: str = "otp27-1"
    files: dict[str, bytes] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.build = msgspec.structs.replace(build(), system_architecture=self.triple)
        self.files |= {f"{self.headers}/{name}": name.encode() for name in HEADERS}
        if self.maps:
            self.files["/proc/self/maps"] = self.maps

    def call(self, module: str, function: str, args: Any, *, timeout_s: float) -> Answer:
        assert timeout_s > 0
        match module, function, args:
            case "code", "root_dir", _:
                value: Any = list(ROOT.encode())
            case "os", "find_executable", [name]:
                found = bytes(name).decode() == self.compiler
                value = list(b"/usr/bin/x") if found else False
            case "file", "write_file", [name, content]:
                self.files[name] = content
                value = "ok"
            case "os", "cmd", [line]:
                self.commands.append(bytes(line).decode())
                self.files["skill.so"] = b"made there of " + self.files["erl_nif.h"]
                value = list(self.says.encode())
        return Answer(value=value, elapsed_us=1)

    def read_file(self, path: str) -> bytes:
        if path not in self.files:
            raise RemoteError("error", f"enoent: {path}")
        return self.files[path]

    def beside(self, _purpose: str) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None: ...


@pytest.fixture
def store(tmp_path: Path) -> NativeStore:
    """Return a store with one C source."""
    (tmp_path / "probes" / "c_src").mkdir(parents=True)
    (tmp_path / "probes" / "c_src" / "skill.c").write_text("int x;")
    return again(tmp_path)


def again(tmp_path: Path) -> NativeStore:
    return NativeStore(probes=ProbeStore(tmp_path / "probes"), cache=tmp_path / "cache")


def library(store: NativeStore, vm: Vm, module: str = "skill") -> bytes:
    return store.library(vm, "otp27", module)  # type: ignore[arg-type]


def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, triple: str) -> None:
    """Have a compiler on this machine that makes code for a platform."""
    path = tmp_path / "own-cc"
    path.write_text(HOST_CC.format(python=sys.executable, triple=triple))
    path.chmod(0o755)
    monkeypatch.setenv("CC", str(path))


def nothing_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")


def test_a_compiler_where_the_vm_is_goes_first(
    store: NativeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is called with the runtime's own headers; this machine's is not needed."""
    nothing_here(monkeypatch)
    vm = Vm(compiler="gcc", maps=MUSL)
    assert library(store, vm) == b"made there of erl_nif.h"
    (line,) = vm.commands
    assert line.startswith("gcc -shared ")
    assert line.endswith("-o skill.so skill.c 2>&1; echo beamproof exit $?")


@pytest.mark.parametrize("headers", [f"{ROOT}/usr/include", f"{ROOT}/erts-15.2.7.1/include"])
def test_without_one_this_machine_compiles(
    store: NativeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, headers: str
) -> None:
    """Where an install keeps its headers, and where a release of one's own does."""
    here(tmp_path, monkeypatch, "x86_64-linux-gnu")
    assert library(store, Vm(headers=headers)) == b"made here of erl_nif.h"


@pytest.mark.parametrize(
    ("vm", "triple", "reason"),
    [
        (Vm(maps=MUSL), "x86_64-linux-gnu", "against glibc, while the VM's C library is musl"),
        (Vm(), "x86_64-alpine-linux-musl", "against musl, while the VM's C library is glibc"),
        (Vm(), "aarch64-linux-gnu", "makes code for aarch64, not for x86_64"),
        (
            Vm(maps=b"", triple="x86_64-pc-linux-musl"),
            "x86_64-linux-gnu",
            "while the VM's C library is musl",
        ),
    ],
    ids=["musl", "glibc", "machine", "built-for-musl"],
)
def test_what_does_not_fit_is_named(vm: Vm, triple: str, reason: str) -> None:
    """Nothing is sent that the VM could not load; the cell is skipped with the reason."""
    platform = foundry.platform_of(vm)  # type: ignore[arg-type]
    with pytest.raises(UnmetNeedError, match=reason):
        foundry._require_fit(platform, foundry.parsed(triple))


def test_what_does_not_fit_is_not_built(
    store: NativeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fit is asked before the compiler is."""
    here(tmp_path, monkeypatch, "x86_64-linux-gnu")
    with pytest.raises(UnmetNeedError, match="the VM's C library is musl"):
        library(store, Vm(maps=MUSL))
    assert not (tmp_path / "cache").exists()


def test_no_compiler_and_no_headers_are_needs(
    store: NativeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two things that a machine or an image may lack, each said."""
    nothing_here(monkeypatch)
    with pytest.raises(UnmetNeedError, match=r"none on the PATH \(cc\): install gcc"):
        library(store, Vm())
    with pytest.raises(UnmetNeedError, match=r"needs erl_nif\.h, which OTP below /usr/lib/erlang"):
        store.library(Vm(headers="/elsewhere"), "otp25", "skill")  # type: ignore[arg-type]


def test_a_refusal_there_is_asked_again_here(
    store: NativeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image may have a compiler without the headers of its C library."""
    here(tmp_path, monkeypatch, "x86_64-linux-gnu")
    vm = Vm(compiler="cc", says="fatal error: stdlib.h\nbeamproof exit 1\n")
    assert library(store, vm) == b"made here of erl_nif.h"


@pytest.mark.parametrize("says", ["stdlib.h: none\nbeamproof exit 1\n", "stdlib.h: none, killed"])
def test_a_refusal_is_the_compilers(
    store: NativeStore, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    """Where nothing else compiles, its text reaches the user: a source may be wrong."""
    nothing_here(monkeypatch)
    with pytest.raises(CompileError, match=r"skill\.c does not compile:\nstdlib\.h: none"):
        library(store, Vm(compiler="cc", says=says))


def test_a_wrong_source_is_no_need(
    store: NativeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither is one that is not there, nor a compiler that cannot be called."""
    here(tmp_path, monkeypatch, "x86_64-linux-gnu")
    (tmp_path / "probes" / "c_src" / "skill.c").write_text("broken")
    with pytest.raises(CompileError, match=r"skill\.c:1: broken"):
        library(store, Vm())
    with pytest.raises(CompileError, match=r"its folder has no other\.c"):
        library(store, Vm(), "other")
    (tmp_path / "own-cc").write_text("no program")
    with pytest.raises(CompileError, match="own-cc cannot be used"):
        library(again(tmp_path), Vm())


def test_each_is_built_once(
    store: NativeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a runtime in a run, once a source, headers and platform in the cache."""
    nothing_here(monkeypatch)
    vm = Vm(compiler="cc")
    first = library(store, vm)
    assert library(store, vm) == first == library(again(tmp_path), vm)
    assert len(vm.commands) == 1
    (cached,) = (tmp_path / "cache").iterdir()
    cached.write_bytes(b"damaged")
    assert library(again(tmp_path), vm) == first
    assert len(vm.commands) == 2
    (tmp_path / "probes" / "c_src" / "skill.c").write_text("int y;")
    library(again(tmp_path), vm)
    library(again(tmp_path), Vm(compiler="cc", maps=MUSL))
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_what_failed_once_fails_again_alike(
    store: NativeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each claim is told the reason, and nothing is tried twice."""
    nothing_here(monkeypatch)
    vm = Vm(compiler="cc", says="no\nbeamproof exit 1")
    for _ in range(2):
        with pytest.raises(CompileError, match="does not compile"):
            library(store, vm)
    assert len(vm.commands) == 1


@pytest.mark.parametrize(
    ("triple", "platform"),
    [
        ("x86_64-pc-linux-gnu", Platform(machine="x86_64", libc="glibc")),
        ("amd64-linux-gnu", Platform(machine="x86_64", libc="glibc")),
        ("aarch64-alpine-linux-musl\n", Platform(machine="aarch64", libc="musl")),
        ("arm-unknown-linux-gnueabihf", Platform(machine="arm", libc="glibc")),
        ("arm64-apple-darwin23.1.0", Platform(machine="aarch64", libc="")),
    ],
)
def test_a_triple_names_a_platform(triple: str, platform: Platform) -> None:
    """However distributions spell it."""
    assert foundry.parsed(triple) == platform


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_this_machines_compiler_says_what_it_compiles_for(
    store: NativeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real one answers -dumpmachine and makes a library that names no other."""
    monkeypatch.delenv("CC", raising=False)
    triple = foundry._run([str(shutil.which("cc")), "-dumpmachine"], str(tmp_path)).stdout
    vm = Vm(maps=b"", triple=triple.strip(), files={})
    for name in HEADERS:
        vm.files[f"{vm.headers}/{name}"] = b""
    made = library(store, vm)
    assert made.startswith(b"\x7fELF")
    assert b"libc.so" not in made

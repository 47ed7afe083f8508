"""The store of probes: each source compiled once a build, whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from support.judging import build

from harness.collect.compiled import Compiled, ModuleText
from harness.collect.probes import ProbeStore
from harness.errors import CompileError, InfrastructureError, InputError
from harness.run.model import Build

BUILD = build("27.3")


class Compiler:
    """Compile as a node does, but into something short; refuse what says `refuse me`."""

    def __init__(self, build: Build = BUILD) -> None:
        self.build = build
        self.asked: list[str] = []
        self.vms = 0

    def compile(self, sources: Sequence[ModuleText]) -> Sequence[Compiled]:
        self.vms += 1
        self.asked += sorted(name for name, _ in sources)
        return [
            Compiled(errors=f"{name}.erl:1: refused")
            if b"refuse me" in source
            else Compiled(beam=b"FOR1" + source)
            for name, source in sources
        ]


@pytest.fixture
def probes(tmp_path: Path) -> Path:
    folder = tmp_path / "probes"
    folder.mkdir()
    for name, text in (
        ("probe_bridge", "bridge"),
        ("probe_lib", "lib"),
        ("probe_peer", "uses probe_lib:x() and probe_bridge:y()"),
        ("skill", "calls skill_lib:a()"),
        ("skill_lib", "calls probe_peer:with()"),
        ("other_skill", "refuse me"),
    ):
        (folder / f"{name}.erl").write_text(text)
    return folder


def test_a_source_is_compiled_once(probes: Path, tmp_path: Path) -> None:
    """A second store, a second node of the same build: nothing is compiled again."""
    first, second = Compiler(), Compiler()
    store = ProbeStore(probes, tmp_path / "cache")
    assert store.beam(first, "skill") == b"FOR1calls skill_lib:a()"
    assert store.beam(first, "skill") == store.beam(second, "skill")
    assert ProbeStore(probes, tmp_path / "cache").beam(second, "skill").startswith(b"FOR1")
    assert (first.asked, second.asked) == (["skill"], [])


def test_what_is_expected_is_compiled_at_once(probes: Path) -> None:
    """Stores with other sources find them compiled, each of them its own."""
    compiler, store = Compiler(), ProbeStore(probes)
    texts = [f"variant {number}".encode() for number in range(40)]
    store.expect(("skill", text) for text in texts)
    found = [store.with_changed({"skill": text}).beam(compiler, "skill") for text in texts]
    assert found == [b"FOR1" + text for text in texts]
    assert (compiler.vms, len(compiler.asked)) == (2, 40)
    assert store.beam(compiler, "skill") == b"FOR1calls skill_lib:a()"


def test_another_build_or_source_is_compiled_again(probes: Path, tmp_path: Path) -> None:
    """The cache tells builds and sources apart."""
    patched = Compiler(msgspec.structs.replace(BUILD, otp_version="27.3.1"))
    ProbeStore(probes, tmp_path / "cache").beam(Compiler(), "skill")
    ProbeStore(probes, tmp_path / "cache").beam(patched, "skill")
    (probes / "skill.erl").write_text("changed")
    again = Compiler()
    ProbeStore(probes, tmp_path / "cache").beam(again, "skill")
    assert (patched.asked, again.asked) == (["skill"], ["skill"])


def test_what_a_module_uses_comes_with_it(probes: Path) -> None:
    """A module brings what it mentions and what that mentions, but not the bridge."""
    store = ProbeStore(probes)
    assert store.closure("skill") == ("probe_lib", "probe_peer", "skill", "skill_lib")
    assert store.closure("probe_lib") == ("probe_lib",)
    before = store.source_sha256("skill")
    (probes / "skill_lib.erl").write_text("calls something")
    assert ProbeStore(probes).source_sha256("skill") != before


def test_native_code_is_part_of_what_ran(probes: Path) -> None:
    """A skill's C source has its name, and changes the hash of its probes."""
    assert ProbeStore(probes).native_source("skill") is None
    before = ProbeStore(probes).source_sha256("skill")
    (probes / "c_src").mkdir()
    (probes / "c_src" / "skill.c").write_bytes(b"int x;")
    store = ProbeStore(probes)
    assert store.native_source("skill") == b"int x;"
    assert store.source_sha256("skill") != before


def test_a_folder_of_ones_own_has_the_shared_modules(probes: Path) -> None:
    """What every probe may use comes from beamproof where a folder lacks it."""
    (probes / "skill.erl").write_text("measures with probe_measure:x()")
    store = ProbeStore(probes)
    assert store.closure("skill") == ("probe_lib", "probe_measure", "skill")
    assert b"-module(probe_measure)." in store.source("probe_measure")


def test_a_refusal_is_the_compilers(probes: Path, tmp_path: Path) -> None:
    """The compiler's text reaches the user; others of the same batch are kept."""
    store, compiler = ProbeStore(probes, tmp_path / "cache"), Compiler()
    with pytest.raises(
        CompileError, match=r"other_skill does not compile on OTP 27\.3:\nother_skill\.erl:1"
    ):
        store.beams(compiler, ["other_skill", "skill"])
    assert store.beam(compiler, "skill")
    with pytest.raises(CompileError):
        store.beam(compiler, "other_skill")
    assert compiler.asked == ["other_skill", "skill"]


def test_no_such_module_is_said(probes: Path) -> None:
    """A module without a source is an error of input."""
    with pytest.raises(InputError, match="there is no probe module nothing"):
        ProbeStore(probes).beam(Compiler(), "nothing")


def test_a_damaged_or_unwritable_cache_only_costs_time(probes: Path, tmp_path: Path) -> None:
    """Half a file is compiled again; a cache that is a file is done without."""
    cache = tmp_path / "cache"
    ProbeStore(probes, cache).beam(Compiler(), "skill")
    (path,) = cache.glob("skill-*.beam")
    whole = path.read_bytes()
    for damaged in (b"", whole[:-1], whole[:50] + b"x" + whole[51:], bytes(len(whole))):
        path.write_bytes(damaged)
        again, told = Compiler(), []
        store = ProbeStore(probes, cache)
        store.tell = told.append
        assert store.beam(again, "skill") == store.beam(again, "skill")
        assert again.asked == ["skill"]
        assert len(told) == 1
        assert "is damaged; it is compiled again" in told[0]
        assert path.read_bytes() == whole
    assert [found.name for found in cache.iterdir()] == [path.name]
    (tmp_path / "file").write_text("")
    assert ProbeStore(probes, tmp_path / "file").beam(Compiler(), "skill")


def test_threads_share_one_compilation(probes: Path) -> None:
    """Lanes that want the same module at the same time compile it once."""
    store, compiler = ProbeStore(probes), Compiler()
    threads = [threading.Thread(target=store.beam, args=(compiler, "skill")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert compiler.asked == ["skill"]


def test_the_bridges_own_code_is_kept_by_version(probes: Path, tmp_path: Path) -> None:
    """A later store knows the variants of the same source, and none of another."""
    ProbeStore(probes, tmp_path / "cache").keep_bridge("15.2", b"FOR1bridge")
    assert ProbeStore(probes, tmp_path / "cache").bridge_beams() == {"15.2": b"FOR1bridge"}
    (probes / "probe_bridge.erl").write_text("changed")
    assert ProbeStore(probes, tmp_path / "cache").bridge_beams() == {}


class WarningCompiler(Compiler):
    """Compile, and warn of every module."""

    def compile(self, sources: Sequence[ModuleText]) -> Sequence[Compiled]:
        return [Compiled(beam=b"FOR1", warnings=f"{name}.erl:3: old") for name, _ in sources]


def test_a_warning_is_a_note_told_once_and_also_from_the_cache(
    probes: Path, tmp_path: Path
) -> None:
    """A release that is out tomorrow loses no night to what it warns of."""
    for _ in range(2):
        told: list[str] = []
        store = ProbeStore(probes, tmp_path / "cache")
        store.tell = told.append
        for _ in range(2):
            assert store.beam(WarningCompiler(), "skill") == b"FOR1"
        assert told == ["OTP 27.3 warns of skill: skill.erl:3: old (beamproof compile shows all)"]
        assert store.warnings == {"skill": "OTP 27.3:\nskill.erl:3: old"}


def test_a_vm_without_a_compiler_has_another_compile(probes: Path, tmp_path: Path) -> None:
    """What is kept is the other's; without another one sentence says so."""
    bare = Compiler(msgspec.structs.replace(BUILD, otp_release=28, has_compiler=False))
    store, other = ProbeStore(probes, tmp_path / "cache"), Compiler()
    with pytest.raises(InfrastructureError, match="OTP 28 has no compiler here"):
        store.beam(bare, "skill")
    store.elsewhere = lambda release: other if release == 28 else pytest.fail("another release")
    assert store.beam(bare, "skill") == store.beam(other, "skill")
    assert (bare.asked, other.asked) == ([], ["skill"])
    store.lend_bridge("16.4", 28)
    assert store.bridge_beams()["+16.4"] == b"FOR1bridge"

"""VMs without a compiler: an OTP 28 from a wheel, and a tree whose compiler was taken away."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.bridge.channel import ProcessLauncher
from harness.collect.applications import Applications
from harness.collect.compiled import CompilesProbes
from harness.collect.node import Node
from harness.collect.probes import ProbeStore
from harness.errors import BeamproofError, InfrastructureError, UnmetNeedError
from harness.folders import cache_dir, default_probes_dir
from harness.run.cells import ProbeCall
from harness.runtimes import Runtime, RuntimeOptions
from harness.runtimes.wheel import WheelWay
from tests.conftest import Missing

pytestmark = pytest.mark.live

Open = Callable[[ProcessLauncher, ProbeStore], Node]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Open nodes and close them after the test."""
    nodes: list[Node] = []

    def start(launcher: ProcessLauncher, store: ProbeStore) -> Node:
        node = Node(launcher, name=f"test-bare-{len(nodes)}", probes=store)
        nodes.append(node)
        node.open()
        return node

    yield start
    for node in nodes:
        node.close()


@pytest.fixture(scope="session")
def wheel(missing: Missing) -> Runtime:
    """Return OTP 28 from its wheel, fetched if it is not in the cache yet."""
    try:
        return WheelWay(RuntimeOptions(cache_dir=cache_dir()), print).find(28)[0]
    except BeamproofError as error:
        missing("wheel", str(error))


@pytest.fixture
def bare(tmp_path: Path, erls: dict[int, Path]) -> ProcessLauncher:
    """Return OTP 27 without the application compiler: a copy of all the rest of it."""
    root = erls[27].resolve().parent.parent
    own = tmp_path / "otp"
    ignored = shutil.ignore_patterns("compiler-*")
    shutil.copytree(root, own, symlinks=True, ignore=ignored)
    erl = own / "bin" / "erl"
    erl.write_text(erl.read_text("utf-8").replace(f'"{root}"', f'"{own}"'), "utf-8")
    return ProcessLauncher(erl)


def lending(
    launcher: ProcessLauncher, opened: Open, cache: Path | None = None
) -> tuple[ProbeStore, list[int]]:
    """Return a store that has another VM compile, and the releases it was asked for."""
    store, asked = ProbeStore(default_probes_dir(), cache), []

    def elsewhere(release: int) -> CompilesProbes:
        asked.append(release)
        return opened(launcher, store.alone())

    store.elsewhere = elsewhere
    return store, asked


def call(probe: str) -> ProbeCall:
    return ProbeCall(module="beam_ets_internals", function=probe)


@pytest.mark.parametrize("compiled_on", [25, 27])
def test_a_newer_vm_runs_what_an_older_one_compiled(
    wheel: Runtime, erls: dict[int, Path], opened: Open, compiled_on: int
) -> None:
    """The bridge, the probe and all that it uses come from elsewhere."""
    store, asked = lending(ProcessLauncher(erls[compiled_on]), opened)
    node = opened(wheel.launcher, store)  # type: ignore[arg-type]
    assert (node.build.otp_release, node.build.has_compiler) == (28, False)
    answer = node.probe("beam_memory_management", "refc_threshold", {}, timeout_s=30)
    assert isinstance(answer.value, dict)
    assert answer.value["ways"]["copy"]["smallest_refc_binary_bytes"] == 65
    assert set(asked) == {28}


def test_a_cold_and_a_warm_cache_behave_alike(
    bare: ProcessLauncher, erls: dict[int, Path], opened: Open, tmp_path: Path
) -> None:
    """Twice the same; and what the whole VM compiles is the same code."""
    cache = tmp_path / "cache"
    answers = []
    for _ in range(2):
        store, asked = lending(ProcessLauncher(erls[27]), opened, cache)
        node = opened(bare, store)
        answers.append(node.probe("beam_memory_management", "refc_threshold", {}, timeout_s=30))
        assert not node.build.has_compiler
        assert asked
    assert answers[0].value == answers[1].value


def test_without_any_compiler_one_sentence_says_so(bare: ProcessLauncher, opened: Open) -> None:
    """No crash of the VM is shown for it."""
    with pytest.raises(InfrastructureError, match="OTP 27 has no compiler here"):
        opened(bare, ProbeStore(default_probes_dir()))


def test_a_probe_that_needs_what_is_not_there_is_told(
    wheel: Runtime, erls: dict[int, Path], opened: Open
) -> None:
    """Found from what its code calls; its neighbours run."""
    store, _ = lending(ProcessLauncher(erls[27]), opened)
    node = opened(wheel.launcher, store)  # type: ignore[arg-type]
    applications = Applications(store)
    applications.require(node, "otp28", call("fun2ms_called"))
    with pytest.raises(UnmetNeedError, match="the application mnesia, which otp28"):
        applications.require(node, "otp28", call("mnesia_majority"))

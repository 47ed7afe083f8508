"""VMs that are held to CPUs and memory: what they see, and deadlines that hold all the same."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.bridge.channel import Launcher, Limits, ProcessLauncher
from harness.bridge.terms import Atom
from harness.collect import limited
from harness.collect.node import Node
from harness.collect.probes import ProbeStore
from harness.errors import CallTimeoutError, UnmetNeedError
from harness.run.cells import Held
from harness.runtimes.docker import container, images

pytestmark = pytest.mark.live

DEADLINE_S = 2.0
LATE_S = 8.0
"""What noticing and killing may take on a machine that others use."""


def opened(launcher: Launcher, store: ProbeStore, limits: Limits) -> Iterator[Node]:
    name = f"beamproof-test-limits-{os.getpid()}-{time.monotonic_ns()}"
    with Node(launcher, name=name, probes=store, limits=limits) as node:
        yield node


@pytest.fixture
def narrow(launcher: Launcher, store: ProbeStore) -> Iterator[Node]:
    """Return a node of one CPU on a tree."""
    yield from opened(launcher, store, Limits(cpuset=1))


@pytest.fixture
def throttled(image: images.Image, store: ProbeStore) -> Iterator[Node]:
    """Return a node in a container, with a fifth of one CPU."""
    held = Limits(cpus=0.2, cpuset=1, memory_bytes=512 << 20)
    yield from opened(container.DockerLauncher(image), store, held)


def system_info(node: Node, what: str) -> object:
    return node.call("erlang", "system_info", [Atom(what)], timeout_s=30).value


def ends_in_time(node: Node) -> None:
    begun = time.monotonic()
    with pytest.raises(CallTimeoutError):
        node.probe("bad_probes", "starves", {}, timeout_s=DEADLINE_S)
    assert DEADLINE_S <= time.monotonic() - begun <= DEADLINE_S + LATE_S
    assert not node.alive


def test_a_vm_of_one_cpu_on_a_tree(narrow: Node) -> None:
    """It sees one CPU; no quota can be had there, and none is made up."""
    assert system_info(narrow, "schedulers_online") == 1
    assert system_info(narrow, "logical_processors_available") == 1
    limited.require(narrow, Held(cpuset=1))
    with pytest.raises(UnmetNeedError, match="needs 2 CPUs, the VM may use 1"):
        limited.require(narrow, Held(cpuset=2))
    with pytest.raises(UnmetNeedError, match=r"needs a quota of 0.37 CPUs"):
        limited.require(narrow, Held(cpus=0.37))


def test_a_deadline_holds_on_one_cpu(narrow: Node) -> None:
    """Though the probe leaves the bridge nothing of it."""
    ends_in_time(narrow)


@pytest.mark.docker
def test_a_throttled_vm_sees_its_limits(throttled: Node) -> None:
    """Quota, set and memory are in force, and the VM answers."""
    assert system_info(throttled, "schedulers_online") == 1
    limited.require(throttled, Held(cpus=0.2, cpuset=1))
    with pytest.raises(UnmetNeedError, match=r"needs a quota of 0.5 CPUs, the VM sees 0.2"):
        limited.require(throttled, Held(cpus=0.5))


@pytest.mark.docker
def test_a_deadline_holds_however_a_vm_is_throttled(throttled: Node) -> None:
    """A fifth of a CPU, and the probe wants all of it."""
    ends_in_time(throttled)


@pytest.mark.docker
def test_cpus_that_the_engine_does_not_have(image: images.Image, store: ProbeStore) -> None:
    """The engine's own words are the reason, and the container is not started without them."""
    for limits in (Limits(cpus=5000.0), Limits(cpuset=4096)):
        node = Node(container.DockerLauncher(image), name="none", probes=store, limits=limits)
        with pytest.raises(UnmetNeedError, match="the engine does not give the CPUs"):
            node.open()


def test_more_cpus_than_the_machine_has(erls: dict[int, Path], store: ProbeStore) -> None:
    """It is said before a VM starts."""
    node = Node(ProcessLauncher(erls[27]), name="x", probes=store, limits=Limits(cpuset=4096))
    with pytest.raises(UnmetNeedError, match="needs 4096 CPUs"):
        node.open()

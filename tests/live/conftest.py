"""What live tests share: the VMs of this machine, one store of compiled probes.

VMs come from BEAMPROOF_OTP_ROOTS and wherever the host way looks, else from the package trees in
the cache. A release that is nowhere is skipped; with BEAMPROOF_REQUIRE=live it is an error.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.bridge.channel import Launcher, ProcessLauncher
from harness.bridge.compile import ProbeStore
from harness.bridge.sources import default_probes_dir
from harness.cli_options import cache_dir
from harness.node import Node
from harness.runtimes import debian, host

RELEASES = (25, 27)

OpenNode = Callable[..., Node]


@pytest.fixture(scope="session")
def erls(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Return an `erl` by release."""
    asked = tmp_path_factory.mktemp("hosts")
    found = {one.release: one.erl for one in host.find(host.roots_from_environment(), asked)}
    for release in RELEASES:
        if release not in found and (tree := debian.installed(cache_dir(), release)) is not None:
            found[release] = tree.erl
    return found


@pytest.fixture(params=RELEASES, ids=lambda release: f"otp{release}")
def release(request: pytest.FixtureRequest) -> int:
    """Return each release in turn."""
    return int(request.param)


@pytest.fixture
def launcher(release: int, erls: dict[int, Path]) -> Launcher:
    """Return what starts VMs of the release as processes."""
    if release not in erls:
        reason = f"no VM of OTP {release}: beamproof otp install {release}"
        if "live" in os.environ.get("BEAMPROOF_REQUIRE", ""):
            pytest.fail(reason)
        pytest.skip(reason)
    return ProcessLauncher(erls[release])


@pytest.fixture(scope="session")
def probes_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the shared probe modules and those of the tests."""
    folder = tmp_path_factory.mktemp("probes")
    own = Path(__file__).parent / "bridge" / "probes"
    for path in (*default_probes_dir().glob("probe_*.erl"), *own.glob("*.erl")):
        shutil.copy(path, folder)
    return folder


@pytest.fixture(scope="session")
def store(probes_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> ProbeStore:
    """Return one store for all tests, so that each module is compiled once a release."""
    return ProbeStore(probes_dir, tmp_path_factory.mktemp("beams"))


@pytest.fixture
def open_node(launcher: Launcher, store: ProbeStore) -> Iterator[OpenNode]:
    """Open nodes of the release, and close them all after the test."""
    nodes: list[Node] = []

    def start(**options: object) -> Node:
        name = f"test-{os.getpid()}-{len(nodes)}"
        node = Node(launcher, name=name, probes=store, **options)  # type: ignore[arg-type]
        nodes.append(node)
        node.open()
        return node

    yield start
    for node in nodes:
        node.close()


@pytest.fixture
def node(open_node: OpenNode) -> Node:
    """Return an open node of the release."""
    return open_node()

"""What live tests share: the VMs of this machine, one store of compiled probes.

VMs come from BEAMPROOF_OTP_ROOTS and wherever the host way looks, else from package trees, which
are fetched. Where that fails the tests are skipped; with BEAMPROOF_REQUIRE=live they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.bridge.channel import Launcher, ProcessLauncher
from harness.collect.node import Node
from harness.collect.probes import ProbeStore
from harness.errors import BeamproofError
from harness.folders import cache_dir, default_probes_dir
from harness.runtimes import host
from harness.runtimes.debian import tree as debian
from harness.runtimes.docker import build, engine, images
from tests.conftest import Missing

RELEASES = (25, 27)

OpenNode = Callable[..., Node]


Trees = Callable[[int], debian.Tree]


@pytest.fixture(scope="session")
def install(missing: Missing) -> Trees:
    """Return what fetches the package tree of a release, if it is not in the cache yet."""

    def fetch(release: int) -> debian.Tree:
        try:
            return debian.install(cache_dir(), release, progress=print)
        except BeamproofError as error:
            missing("live", str(error))

    return fetch


@pytest.fixture(scope="session")
def erls(tmp_path_factory: pytest.TempPathFactory, install: Trees) -> dict[int, Path]:
    """Return an `erl` by release: an install on the host, else a package tree."""
    asked = tmp_path_factory.mktemp("hosts")
    found = {one.release: one.erl for one in host.find(host.roots_from_environment(), asked)}
    return {release: found.get(release) or install(release).erl for release in RELEASES}


@pytest.fixture(params=RELEASES, ids=lambda release: f"otp{release}")
def release(request: pytest.FixtureRequest) -> int:
    """Return each release in turn."""
    return int(request.param)


@pytest.fixture
def launcher(release: int, erls: dict[int, Path]) -> Launcher:
    """Return what starts VMs of the release as processes."""
    return ProcessLauncher(erls[release])


@pytest.fixture
def tree(release: int, install: Trees) -> debian.Tree:
    """Return the package tree of the release."""
    return install(release)


@pytest.fixture(scope="session")
def import_image(install: Trees, missing: Missing) -> Callable[[int], images.Image]:
    """Return what makes an image of a release's package tree, if the engine has none yet."""

    def make(release: int) -> images.Image:
        if not engine.state().answers:
            missing("docker", engine.state().reason)
        return build.import_tree(cache_dir(), install(release), progress=print)

    return make


@pytest.fixture
def image(release: int, import_image: Callable[[int], images.Image]) -> images.Image:
    """Return the image made of the release's package tree."""
    return import_image(release)


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


@pytest.fixture(scope="session")
def lend(erls: dict[int, Path], store: ProbeStore) -> Iterator[Callable[[int], Node]]:
    """Return what lends the one node of a release that all take who leave it as it was."""
    lent: dict[int, Node] = {}

    def take(release: int) -> Node:
        if release in lent and not lent[release].fit():
            lent.pop(release).close()
        if release not in lent:
            name = f"test-{os.getpid()}-lent{release}"
            lent[release] = Node(ProcessLauncher(erls[release]), name=name, probes=store)
            lent[release].open()
        return lent[release]

    yield take
    for node in lent.values():
        node.close()


@pytest.fixture
def lent_node(release: int, lend: Callable[[int], Node]) -> Node:
    """Return a node of the release that other tests use as well."""
    return lend(release)

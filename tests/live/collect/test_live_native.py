"""Native libraries on real VMs: built where the VM is, or here, and loaded by a peer."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from harness.collect import foundry
from harness.collect.native import NativeStore
from harness.collect.node import Node
from harness.collect.outcome import Answer
from harness.collect.probes import ProbeStore
from harness.errors import RemoteError
from harness.runtimes.docker import container, images
from tests.conftest import Missing

pytestmark = pytest.mark.live


@pytest.fixture
def native(probes_dir: Path, tmp_path: Path, missing: Missing) -> NativeStore:
    """Return a store of the tests' own C sources that has built nothing yet."""
    if shutil.which("cc") is None:
        missing("live", "no C compiler on the PATH")
    shutil.copytree(Path(__file__).parents[1] / "bridge" / "probes" / "c_src", probes_dir / "c_src",
                    dirs_exist_ok=True)  # fmt: skip
    return NativeStore(probes=ProbeStore(probes_dir), cache=tmp_path / "cache")


def asked(node: Node, library: bytes) -> Answer:
    return node.probe("native_probes", "answers", {"nif_library": library}, timeout_s=60)


def test_a_tree_compiles_for_itself(node: Node, native: NativeStore) -> None:
    """The VM finds the compiler of its machine; what it makes answers in a peer."""
    assert foundry._found_by(node) is not None
    answer = asked(node, native.library(node, "otp", "native_probes"))
    assert answer.value == {"before": "not_loaded", "after": 42, "own": "not_loaded"}
    assert answer.leftovers == ()


@pytest.mark.docker
def test_this_machine_compiles_for_an_image_without_a_compiler(
    image: images.Image, store: ProbeStore, native: NativeStore
) -> None:
    """With the headers of the image, sent over the pipe."""
    launcher = container.DockerLauncher(image)
    with Node(
        launcher, name=f"beamproof-test-native-{os.getpid()}", probes=store, start_timeout_s=120
    ) as node:
        assert foundry._found_by(node) is None
        library = native.library(node, "otp", "native_probes")
        assert asked(node, library).value == {
            "before": "not_loaded",
            "after": 42,
            "own": "not_loaded",
        }


def test_what_the_vm_refuses_is_a_setup_that_failed(node: Node) -> None:
    """The reason is the VM's."""
    with pytest.raises(RemoteError, match=r"setup,\{not_loaded,native_probes_nif,load_failed"):
        asked(node, b"no library")

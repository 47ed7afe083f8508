"""Package trees run from the user's cache, and installs do not disturb each other."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.bridge.channel import ProcessLauncher
from harness.collect.node import Node
from harness.collect.probes import ProbeStore
from harness.runtimes.debian import tree as debian
from harness.system import files

pytestmark = pytest.mark.live

APPLICATIONS = (
    *("crypto", "dbg", "dets", "eunit", "mnesia", "release_handler", "compile", "xref", "cover"),
    *("eprof", "fprof", "msacc", "instrument", "erl_scan", "erl_syntax", "ct_run", "xmerl_scan"),
)
INSTALL = [sys.executable, "-m", "harness", "otp", "install", "25"]
INSTALL_TIMEOUT_S = 300.0


@pytest.fixture
def node(tree: debian.Tree, store: ProbeStore):  # noqa: ANN201 - a generator of one node
    """Return a node of the tree."""
    launcher = ProcessLauncher(tree.erl)
    with Node(
        launcher, name=f"beamproof-test-tree-{os.getpid()}", probes=store, start_timeout_s=120
    ) as opened:
        yield opened


def test_a_tree_is_the_release_that_it_says(tree: debian.Tree, node: Node) -> None:
    """The VM agrees with the manifest, to the patch."""
    assert node.build.otp_release == tree.manifest.release
    assert node.build.otp_version == tree.manifest.otp_version
    assert tree.manifest.version.startswith(f"1:{tree.manifest.otp_version}")


def test_a_tree_holds_every_application_that_probes_use(node: Node) -> None:
    """The lean set of packages lacks nothing."""
    for module in APPLICATIONS:
        found = node.call("code", "ensure_loaded", [_atom(module)], timeout_s=60).value
        assert found == ["module", module], module


def test_a_tree_uses_nothing_of_the_hosts_libraries(tree: debian.Tree, node: Node) -> None:
    """Interpreter, C library and OpenSSL with its modules are the tree's own."""
    node.call("crypto", "strong_rand_bytes", [8], timeout_s=60)
    (pid,) = _pids_of(node.name)
    mapped = {
        line.split(maxsplit=5)[5]
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines()
        if ".so" in line
    }
    assert any("libcrypto" in path for path in mapped)
    assert [path for path in mapped if not path.startswith(str(tree.folder))] == []


def test_an_installed_release_is_there_at_once(tree: debian.Tree) -> None:
    """A second install fetches nothing."""
    started = time.monotonic()
    again = debian.install(
        tree.folder.parent.parent, tree.manifest.release, progress=lambda _: pytest.fail("fetched")
    )
    assert again == tree
    assert time.monotonic() - started < 5


def test_a_killed_install_leaves_nothing_half_done_and_two_at_once_share_one(
    tmp_path: Path,
) -> None:
    """After a SIGKILL in the middle two installs at once end with one whole tree."""
    cache = tmp_path / "a cache"
    environment = {**os.environ, "BEAMPROOF_CACHE": str(cache)}
    first = subprocess.Popen(
        INSTALL, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert first.stderr is not None
    for line in first.stderr:
        if "fetching packages" in line:
            break
    else:
        pytest.skip("the mirror cannot be reached")
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    first.stderr.close()
    assert debian.installed(cache, 25) is None
    deadline = time.monotonic() + 10  # a child between fork and exec still holds the lock
    while not files.abandoned(debian.root(cache)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(files.abandoned(debian.root(cache))) == 1
    both = [
        subprocess.Popen(
            INSTALL, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    told = [process.communicate(timeout=INSTALL_TIMEOUT_S) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert sum("fetching packages" in err for _, err in told) == 1
    assert sum("another install of it is under way" in err for _, err in told) == 1
    found = debian.installed(cache, 25)
    assert found is not None
    assert found.erl.is_file()
    left = {path.name for path in debian.root(cache).iterdir()}
    assert left == {"25.lock", "debian-25"}


def test_an_interrupted_install_ends_soon_and_cleans_up(tmp_path: Path) -> None:
    """Ctrl-C takes the download with it and exits with 130."""
    cache = tmp_path / "cache"
    process = subprocess.Popen(
        INSTALL,
        env={**os.environ, "BEAMPROOF_CACHE": str(cache)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "reading the package index" in process.stderr.readline()
    interrupted = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    process.stderr.close()
    assert time.monotonic() - interrupted < 20
    assert {path.name for path in debian.root(cache).iterdir()} == {"25.lock"}


def _atom(name: str) -> object:
    from harness.bridge.terms import Atom  # noqa: PLC0415 - the wire's own word for it

    return Atom(name)


def _pids_of(name: str) -> tuple[int, ...]:
    found = []
    for folder in Path("/proc").iterdir():
        try:
            marked = f"/{name}/".encode() in (folder / "environ").read_bytes()
            program = (folder / "comm").read_text().strip()
        except OSError:
            continue
        if marked and program == "beam.smp":
            found.append(int(folder.name))
    return tuple(found)

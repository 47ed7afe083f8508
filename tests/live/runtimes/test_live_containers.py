"""VMs in containers: ready, locked down, ended, swept."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.bridge.channel import Channel, Limits
from harness.cli.main import run
from harness.collect.node import Node
from harness.collect.probes import ProbeStore
from harness.folders import cache_dir
from harness.runtimes import RuntimeOptions, resolve
from harness.runtimes.docker import container as docker
from harness.runtimes.docker import engine, images
from harness.system import processes

pytestmark = [
    pytest.mark.live,
    pytest.mark.docker,
    pytest.mark.xdist_group("containers"),  # what one of them leaves, another one sweeps
]

Run = Callable[..., tuple[int | None, bytes]]

LEAVE = """
import sys, time
from harness.bridge.channel import Limits
from harness.runtimes.docker import container, images
image = images.here(sys.argv[1])
container.DockerLauncher(image).start(name=sys.argv[2], flags=[], env={}, limits=Limits())
print("started", flush=True)
time.sleep(600)
"""


def soon(seconds: float = 90.0) -> float:
    return time.monotonic() + seconds


@pytest.fixture
def node(image: images.Image, store: ProbeStore) -> Iterator[Node]:
    """Return a node in a container of the image."""
    launcher = docker.DockerLauncher(image)
    name = f"beamproof-test-{os.getpid()}-{time.monotonic_ns()}"
    with Node(launcher, name=name, probes=store, start_timeout_s=120) as opened:
        yield opened


@pytest.fixture
def evaluate(image: images.Image) -> Iterator[Run]:
    """Run an expression in a container and return exit status and log."""
    opened: list[Channel] = []

    def run_expression(text: str, limits: Limits | None = None) -> tuple[int | None, bytes]:
        command = ["sh", "-c", 'exec "$@" </dev/null', "sh", "erl", "-noinput", "-noshell"]
        settings = docker.container_settings(
            name="test",
            image=image,
            command=[*command, "-eval", text],
            env={"ERL_CRASH_DUMP_BYTES": "0"},
            limits=limits or Limits(),
        )
        name = f"beamproof-test-{os.getpid()}-{time.monotonic_ns()}"
        channel = docker.start_container(name, settings)
        opened.append(channel)
        deadline = soon()
        while channel.read(1 << 16, deadline):
            pass
        return channel.wait(soon(10)), channel.log()

    yield run_expression
    for channel in opened:
        channel.kill()


def command(node: Node, text: str) -> str:
    return bytes(node.call("os", "cmd", [list(text.encode())], timeout_s=60).value).decode()


def is_there(name: str) -> bool:
    found = engine.client().containers(all=True, filters={"name": name})
    return any(f"/{name}" in container["Names"] for container in found)


def test_a_node_in_a_container_is_the_imported_release(image: images.Image, node: Node) -> None:
    """The labels of the image say what its VM says."""
    assert node.build.otp_version == image.labels[images.OTP_LABEL]
    assert image.reference == f"beamproof/otp:{node.build.otp_release}"


def test_an_image_is_imported_once(image: images.Image, tree) -> None:  # noqa: ANN001 - see conftest
    """The same packages make no second image."""
    from harness.runtimes.docker import build  # noqa: PLC0415 - only here

    again = build.import_tree(cache_dir(), tree, progress=lambda _: pytest.fail("imported"))
    assert again == image


def test_a_container_may_do_nothing_but_run_a_vm(node: Node) -> None:
    """Nobody's user, no capability, nothing to write but /tmp, nobody to speak to."""
    assert "Read-only file system" in command(node, "touch /here 2>&1")
    assert command(node, "id -u; id -g").split() == ["65534", "65534"]
    status = dict(
        line.split(":", 1)
        for line in command(node, "cat /proc/self/status").splitlines()
        if ":" in line
    )
    assert int(status["CapEff"].strip(), 16) == 0
    assert int(status["CapBnd"].strip(), 16) == 0
    assert status["NoNewPrivs"].strip() == "1"
    links = command(node, "ls /sys/class/net").split()
    assert "lo" in links
    assert not [link for link in links if link.startswith(("eth", "en"))]
    script = "printf '#!/bin/sh\\necho runs\\n' > /tmp/x; chmod +x /tmp/x; /tmp/x"
    assert command(node, script).strip() == "runs"


def test_a_full_scratch_folder_is_the_containers_own(node: Node) -> None:
    """The limit of the scratch folder holds, and the VM lives on."""
    told = command(node, "dd if=/dev/zero of=/tmp/big bs=1M count=300 2>&1")
    assert "No space left" in told
    assert node.call("erlang", "node", [], timeout_s=30).value == "nonode@nohost"


def test_a_closed_node_leaves_no_container(image: images.Image, store: ProbeStore) -> None:
    """The container goes with its node."""
    name = f"beamproof-test-{os.getpid()}-gone"
    launcher = docker.DockerLauncher(image)
    with Node(launcher, name=name, probes=store, start_timeout_s=120):
        assert is_there(name)
    assert not is_there(name)


def test_exit_statuses_and_signals_are_told(evaluate: Run) -> None:
    """A VM's end in a container reads as that of a process, a signal from inside included."""
    assert evaluate("halt(3).")[0] == 3
    status, log = evaluate('erlang:halt("the slogan").')
    assert status == 1
    assert b"the slogan" in log
    kill = 'os:cmd("kill -KILL " ++ os:getpid()), timer:sleep(60000).'
    assert evaluate(kill)[0] == -signal.SIGKILL


def test_a_vm_beyond_its_memory_says_so(evaluate: Run) -> None:
    """The limit kills, and the log says that it was the limit."""
    grow = "F=fun F(L)->F([binary:copy(<<0>>,10000000)|L]) end,F([])."
    status, log = evaluate(grow, Limits(memory_bytes=200 << 20))
    assert status == -signal.SIGKILL
    assert b"memory limit of 200 MiB" in log


def test_a_kept_container_stays_until_it_is_removed(image: images.Image) -> None:
    """With `keep` one can look into the container afterwards."""
    name = f"beamproof-test-{os.getpid()}-kept"
    channel = docker.DockerLauncher(image).start(name=name, flags=[], env={}, limits=Limits())
    channel.keep = True
    channel.kill()
    try:
        assert is_there(name)
        assert name not in docker.leftovers()
    finally:
        docker.remove(name)
    assert not is_there(name)


def test_a_crashed_runs_container_is_swept_and_a_living_ones_is_not(
    image: images.Image, capsys: pytest.CaptureFixture[str]
) -> None:
    """A SIGKILL of the harness leaves its container; `sweep` finds it by its owner."""
    theirs, ours = (f"beamproof-test-{os.getpid()}-{kind}" for kind in ("theirs", "ours"))
    crashed = subprocess.Popen(
        [sys.executable, "-c", LEAVE, image.reference, theirs], stdout=subprocess.PIPE, text=True
    )
    channel = docker.DockerLauncher(image).start(name=ours, flags=[], env={}, limits=Limits())
    try:
        assert crashed.stdout is not None
        assert crashed.stdout.readline() == "started\n"
        assert theirs not in docker.leftovers()
        crashed.kill()
        crashed.wait()
        crashed.stdout.close()
        assert theirs in docker.leftovers()
        assert run(["sweep"]) == 0
        assert f"removed container {theirs}" in capsys.readouterr().out
        assert not is_there(theirs)
        assert is_there(ours)
    finally:
        channel.kill()
        docker.remove(theirs)


def test_a_name_that_is_taken_is_told_and_its_holder_left_alone(image: images.Image) -> None:
    """A start that fails removes nothing that it did not make."""
    name = f"beamproof-test-{os.getpid()}-taken"
    settings = docker.container_settings(
        name=name, image=image, command=["sh"], env={}, limits=Limits()
    )
    holder = docker.start_container(name, settings)
    try:
        with pytest.raises(Exception, match="already in use"):
            docker.start_container(name, settings)
        assert is_there(name)
    finally:
        holder.kill()


def test_an_image_without_a_shell_is_told(image: images.Image) -> None:
    """A program that is not in the image is named in the log of a VM that ended at once."""
    name = f"beamproof-test-{os.getpid()}-nothing"
    settings = docker.container_settings(
        name=name, image=image, command=["/no/such/shell"], env={}, limits=Limits()
    )
    channel = docker.start_container(name, settings)
    try:
        assert channel.wait(soon()) == 127
        assert b"/no/such/shell" in channel.log()
    finally:
        channel.kill()
    assert not is_there(name)


def test_a_users_image_says_its_own_release(image: images.Image, tmp_path: Path) -> None:
    """With `--image` the release is read off the VM."""
    tag = str(os.getpid())
    engine.client().tag(image.reference, "beamproof-test/mine", tag)
    try:
        asked = RuntimeOptions(
            images=(f"beamproof-test/mine:{tag}",), cache_dir=tmp_path, offline=True
        )
        (found,) = resolve((), way="auto", options=asked, progress=print)
        assert found.runtime is not None
        assert found.release == int(image.reference.rpartition(":")[2])
        assert found.runtime.digest == image.id
    finally:
        engine.client().remove_image(f"beamproof-test/mine:{tag}")


def test_an_owner_is_in_the_containers_environment(node: Node) -> None:
    """Peers in the container inherit whose they are."""
    assert command(node, f"printenv {processes.MARK_VARIABLE}").startswith(processes.own() + "/")

"""A bad node never takes the harness with it: each way to fail ends as its own, clear error."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from harness.bridge.channel import Limits
from harness.collect.node import Node
from harness.errors import CallTimeoutError, NodeDiedError, NodeError, ProtocolError

pytestmark = pytest.mark.live

OpenNode = Callable[..., Node]


@pytest.mark.parametrize(
    ("probe", "error", "text"),
    [
        ("frame_cut", NodeDiedError, "9 of 104 bytes of a frame"),
        ("frame_huge", ProtocolError, "a frame of 4294967295 bytes, above 67108864"),
        ("garbage", ProtocolError, "an answer to no call: 5 bytes that begin with b'hello'"),
        ("bomb", ProtocolError, "an answer to no call"),
        ("deep_frame", ProtocolError, "an answer to no call"),
        ("many_nodes", ProtocolError, "an answer to no call"),
        ("wrong_id", ProtocolError, "an answer to no call"),
        ("casts_without_end", ProtocolError, "an answer to no call"),
    ],
)
def test_nonsense_on_the_pipe(node: Node, probe: str, error: type[NodeError], text: str) -> None:
    """What is no frame, no term or no answer is refused within its limits, and the node killed."""
    with pytest.raises(error, match="bad_probes:" + probe) as caught:
        node.probe("bad_probes", probe, {"depth": 100_000}, timeout_s=60)
    assert text in caught.value.message
    assert not node.alive
    with pytest.raises(NodeDiedError, match="closed"):
        node.call("erlang", "node", timeout_s=1)


@pytest.mark.parametrize("probe", ["hangs", "frame_lies", "stops_vm", "kills_bridge"])
def test_no_answer_in_time(node: Node, probe: str) -> None:
    """A probe that never ends, half a frame, a stopped VM: the deadline holds, the VM is killed."""
    pid = pid_of(node)
    node.probe("bad_probes", "slow_child", {}, timeout_s=30)
    start = time.monotonic()
    with pytest.raises(CallTimeoutError, match=r"no answer within 0\.5 s") as caught:
        node.probe("bad_probes", probe, {}, timeout_s=0.5)
    assert time.monotonic() - start < 5
    if probe == "frame_lies":
        assert "9 of 104 bytes of a frame" in caught.value.message
    assert not node.alive
    assert ends(pid)


@pytest.mark.parametrize(
    ("probe", "text"),
    [
        ("halts", "exit status 7"),
        ("kills_vm", "killed by SIGKILL"),
        ("atoms", "killed by SIGABRT|exit status 1"),
    ],
)
def test_a_vm_that_ends(node: Node, probe: str, text: str) -> None:
    """The error says how the VM ended, and its log why."""
    with pytest.raises(NodeDiedError, match=text):
        node.probe("bad_probes", probe, {"status": 7}, timeout_s=120)
    assert not node.alive
    if probe == "atoms":
        assert "no more index entries in atom_tab" in node.take_log()


def test_a_vm_out_of_memory(open_node: OpenNode) -> None:
    """A VM is held to its memory, and says that it could not get more."""
    node = open_node(limits=Limits(memory_bytes=600 * 1024**2))
    with pytest.raises(NodeDiedError, match=r"killed by SIG|exit status 1"):
        node.probe("bad_probes", "memory", {}, timeout_s=120)
    assert "annot" in node.take_log()  # "Cannot allocate", "Cannot reallocate"


def test_a_pipe_that_closes_while_the_vm_lives(node: Node) -> None:
    """Nobody waits for a VM that can no longer answer."""
    pid = pid_of(node)
    with pytest.raises(NodeError):
        node.probe("bad_probes", "closes_pipe", {}, timeout_s=3)
    assert ends(pid)


def test_output_at_full_speed(node: Node) -> None:
    """Floods on stdout and stderr neither block the call nor grow the log beyond its bound."""
    answer = node.probe("bad_probes", "floods", {"ms": 500}, timeout_s=60)
    assert isinstance(answer.value, dict)
    assert len(answer.log) < 80_000
    assert "bytes dropped" in answer.log
    assert answer.log.startswith("flood flood")
    assert node.probe("good_probes", "none", {}, timeout_s=10).value == {}


def test_a_signal_from_outside(node: Node) -> None:
    """A VM that somebody kills between calls is noticed at the next."""
    os.kill(pid_of(node), signal.SIGKILL)
    with pytest.raises(NodeDiedError, match="killed by SIGKILL"):
        node.call("erlang", "node", timeout_s=5)


def pid_of(node: Node) -> int:
    """Return the process id of the node's VM."""
    found = node.call("os", "getpid", timeout_s=10).value
    assert isinstance(found, list)
    return int(bytes(found))


def ends(pid: int) -> bool:
    """Tell whether a killed process ends: a busy machine may take a while to do it."""
    deadline = time.monotonic() + 10
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)


def is_running(pid: int) -> bool:
    """Tell whether a process exists and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:  # noqa: PTH123 - one line
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

"""Peers: second VMs that probes start, and that never outlive them."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from harness.collect.node import Node
from harness.collect.outcome import Answer
from harness.errors import CallTimeoutError, RemoteError

pytestmark = pytest.mark.live

END_S = 10.0
"""How long a killed process may take to be gone."""


def peer_probe(node: Node, name: str) -> Answer:
    return node.probe("peer_probes", name, {}, timeout_s=60)


def test_a_peer_has_the_probes_code_and_its_own_flags(lent_node: Node) -> None:
    """Calls, closures, modules, environment and flags all reach the peer; nothing is left."""
    answer = peer_probe(lent_node, "calls")
    assert isinstance(answer.value, dict)
    assert answer.value["schedulers_count"] == 1
    assert answer.value["own_code"] == 2.0
    assert answer.value["closure"] == [2.0, 1]
    assert answer.value["environment"] == "y"
    assert answer.value["other_vm"] is True
    assert answer.leftovers == ()
    assert not Path(str(answer.value["scratch"])).exists()


def test_how_a_peer_ended_is_evidence(lent_node: Node) -> None:
    """Exit status, slogan, output and dump of a peer that halts; the status of one killed."""
    ended = peer_probe(lent_node, "ends").value
    assert isinstance(ended, dict)
    assert (ended["exit_status"], ended["slogan"]) == (1, "the slogan")
    assert "the slogan" in str(ended["output"])
    assert int(str(ended["dump_bytes"])) > 0
    assert ended["dumped"] is True
    assert ended["call_after"] is True
    killed = peer_probe(lent_node, "killed_by_signal").value
    assert isinstance(killed, dict)
    assert (killed["exit_status"], killed["slogan"], killed["dump_bytes"]) == (137, "", 0)


@pytest.mark.parametrize(
    ("probe", "reason"),
    [
        ("refused_flag", r"\{setup,\{peer_not_started,.*exit_status => 1"),
        ("raises", "over_there"),
        ("hangs", r"\{peer_timeout,300\}"),
    ],
)
def test_what_fails_on_a_peer_fails_the_probe(lent_node: Node, probe: str, reason: str) -> None:
    """A peer that does not start, raises or hangs ends as the probe's own error."""
    with pytest.raises(RemoteError) as caught:
        peer_probe(lent_node, probe)
    assert re.search(reason, caught.value.reason, re.DOTALL)
    assert lent_node.probe("good_probes", "none", {}, timeout_s=20).leftovers == ()


def test_a_peer_ends_with_its_node(node: Node) -> None:
    """A node that is killed in the middle takes even a stopped peer with it."""
    peer_probe(node, "calls")
    with pytest.raises(CallTimeoutError):
        node.probe("peer_probes", "holds", {}, timeout_s=8)
    pid = re.search(r"peer (\d+)", node.take_log())
    assert pid
    deadline = time.monotonic() + END_S  # killed, but a busy machine may take a while to end it
    while _runs(pid[1]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _runs(pid[1])


def _runs(pid: str) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}

"""Clusters: nodes that probes join, slow, freeze and cut, and that never outlive their probe."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from harness.bridge.channel import ProcessLauncher
from harness.collect.node import Node
from harness.collect.others import Others
from harness.collect.probes import ProbeStore
from harness.errors import CallTimeoutError, RemoteError
from harness.runtimes import Runtime

pytestmark = pytest.mark.live

END_S = 10.0
"""How long a killed process may take to be gone."""


def cluster_probe(node: Node, name: str) -> dict[str, Any]:
    answer = node.probe("cluster_probes", name, {}, timeout_s=60)
    assert answer.leftovers == ()
    assert isinstance(answer.value, dict)
    return answer.value


def test_nodes_find_each_other_and_nobody_else(node: Node) -> None:
    """None is connected at first; by hand or by a message they are; no epmd is started."""
    found = cluster_probe(node, "joins")
    assert found.pop("epmd") == []
    pids = found.pop("os_pids")
    assert len(set(pids)) == 3
    assert found == {
        "names": ["a@127.0.0.1", "b@127.0.0.1", "c@127.0.0.1"],
        "before": [False, False, False],
        "connected": [True, True, True],
        "unknown": "pang",
        "asked": True,
    }
    assert not any(Path(f"/proc/{pid}/exe").exists() for pid in pids)


def test_a_node_has_the_flags_of_all_and_its_own(node: Node) -> None:
    """A hidden node is connected, and listed among the hidden ones only."""
    expected = {"visible": [], "hidden": ["b@127.0.0.1"], "ticktime": [7, 7]}
    assert cluster_probe(node, "flags") == expected


def test_a_connection_is_cut_and_joined(node: Node) -> None:
    """One connection serves both directions; cut, no side gets through; joined, the next does."""
    found = cluster_probe(node, "cuts")
    assert found["joined"] == ["pong", "pong"]
    assert found["first"] == {"a": 1, "b": 0}
    assert found["cut"] == ["pang", "pang"]
    assert found["again"] == ["pong"]
    assert found["all"] == {"a": 1, "b": 1}


def test_a_frozen_connection_loses_nothing(node: Node) -> None:
    """What was sent meanwhile arrives when it passes again."""
    assert cluster_probe(node, "freezes") == {"early": False, "late": True, "connections": 1}


def test_a_slow_connection_takes_its_time(node: Node) -> None:
    """100,000 bytes there and back at 200,000 a second take a second, and no such time without."""
    found = cluster_probe(node, "slows")
    assert found["slow_ms"] >= 900
    assert found["fast_ms"] < found["slow_ms"]


def test_a_flag_can_be_withheld(node: Node) -> None:
    """Of what one side offers one flag is missing on the other, and is back when it is let pass."""
    found = cluster_probe(node, "withholds")
    assert found == {"all_of_a": True, "withheld_of_b": 1 << 23, "again": True}


def test_what_passes_is_known_by_frame(node: Node) -> None:
    """Handshake, whole messages, and fragments of at most 64 KiB of a large one, there and back."""
    found = cluster_probe(node, "frames")
    name, status, reply, acknowledgement = (ord(tag) for tag in "Nsra")
    assert found["tags"][0] in ([name, reply], [ord("n"), reply])
    assert found["tags"][1] == [status, name, acknowledgement]
    assert found["first"] == [1, 1]
    assert all(count >= 1_000_000 // 65_536 for count in found["more"])
    assert found["whole"] == [True, True]
    assert all(1_000_000 < total < 1_020_000 for total in found["sums"])


def test_two_releases_talk_to_each_other(
    node: Node, release: int, erls: dict[int, Path], store: ProbeStore
) -> None:
    """A probe that is handed another release starts a node of it and connects to it."""
    others = Others()
    for number, erl in erls.items():
        launcher = ProcessLauncher(erl)
        runtime = Runtime(release=number, way="host", origin="", digest=None, launcher=launcher)
        with Node(launcher, name=f"other-{number}", probes=store) as one:
            others.add(runtime, one.build)
    args = others.arguments(f"otp{release}", store.bridge_beams())
    answer = node.probe("cluster_probes", "two_releases", args, timeout_s=60)
    other = args["other_otp_release"]
    assert other != release
    assert answer.value == {
        "handed": other,
        "other": other,
        "own": release,
        "connections": {"a": 1, "b": 0},
    }
    assert answer.leftovers == ()


def test_a_module_is_there_when_it_was_loaded(node: Node) -> None:
    """Also for a call that comes from another node, by no way that the load has taken."""
    found = cluster_probe(node, "loads")
    assert found == {"before": [False, False, False], "after": [True, True, True]}


def test_what_fails_on_a_node_fails_the_probe(node: Node) -> None:
    """The error is the node's own, and nothing is left."""
    with pytest.raises(RemoteError) as caught:
        node.probe("cluster_probes", "raises", {}, timeout_s=60)
    assert "over_there" in caught.value.reason
    assert caught.value.leftovers == ()


def test_a_cluster_ends_with_its_probe(node: Node) -> None:
    """A node that is killed in the middle takes the whole cluster with it."""
    with pytest.raises(CallTimeoutError):
        node.probe("cluster_probes", "holds", {}, timeout_s=8)
    pids = re.search(r"peers \[(\d+),(\d+)\]", node.take_log())
    assert pids
    deadline = time.monotonic() + END_S  # killed, but a busy machine may take a while to end it
    while any(map(_runs, pids.groups())) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(_runs, pids.groups()))


def _runs(pid: str) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}

"""A node: what it tells of itself, how calls and probes answer, what it leaves behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.bridge.channel import Launcher, ProcessLauncher
from harness.bridge.terms import Atom
from harness.collect.node import Node
from harness.collect.probes import BRIDGE, ProbeStore
from harness.errors import CompileError, InfrastructureError, InputError, NodeDiedError, RemoteError
from harness.system import processes

pytestmark = pytest.mark.live

OpenNode = Callable[..., Node]

KINDS = {
    "atom": "some_atom",
    "true": True,
    "undefined": "undefined",
    "text": "grüße",
    "bytes": "<<255,254,0>>",
    "string": [97, 98, 99],
    "empty": [],
    "tuple": [1, "two", "three"],
    "integer": -(2**62),
    "large": 2**70,
    "float": 1.5,
    "improper": "[1|2]",
    "bits": "<<5:3>>",
    "function": "fun erlang:node/0",
    "nested": {"1": {"key": [{}]}},
}


def test_says_who_it_is(lent_node: Node, release: int) -> None:
    """A node knows the build of its VM to the patch."""
    assert lent_node.build.otp_release == release
    assert lent_node.build.otp_version.startswith(f"{release}.")
    assert lent_node.build.wordsize_bytes == 8
    assert lent_node.build.schedulers >= 1
    assert lent_node.build.host_kernel.startswith("linux ")


def test_calls_any_function(lent_node: Node) -> None:
    """A plain call makes any value plain."""
    assert lent_node.call("lists", "seq", [1, 3], timeout_s=5).value == [1, 2, 3]
    assert lent_node.call("erlang", "node", timeout_s=5).value == "nonode@nohost"
    assert lent_node.call("erlang", "abs", [-(2**63)], timeout_s=5).value == 2**63
    found = lent_node.call("erlang", "system_info", [Atom("wordsize")], timeout_s=5)
    assert found.value == 8
    assert found.elapsed_us > 0
    assert found.probe_us is None


def test_reads_files_as_the_vm_sees_them(lent_node: Node, tmp_path: Path) -> None:
    """A file arrives byte for byte, or with Erlang's reason why not."""
    for content in (b"text", b"\xff\x00\xfe", b""):
        (tmp_path / "file").write_bytes(content)
        assert lent_node.read_file(str(tmp_path / "file")) == content
    with pytest.raises(RemoteError, match="enoent"):
        lent_node.read_file(str(tmp_path / "none"))


def test_evidence_is_json_whatever_the_terms(lent_node: Node) -> None:
    """Every kind of term becomes JSON: what JSON cannot say is text as the VM prints it."""
    answer = lent_node.probe("good_probes", "kinds", {}, timeout_s=5)
    assert isinstance(answer.value, dict)
    for key, expected in KINDS.items():
        assert answer.value[key] == expected, key
    for key, start in (
        ("pid", "<0."),
        ("reference", "#Ref<"),
        ("port", "#Port<"),
        ("closure", "#Fun<"),
    ):
        assert str(answer.value[key]).startswith(start)
    assert answer.leftovers == ()
    assert answer.probe_us is not None
    assert 0 <= answer.probe_us <= answer.elapsed_us


def test_args_arrive_as_a_map_with_atoms(lent_node: Node) -> None:
    """A claim's args reach the probe with atoms as keys and binaries as text."""
    args = {"size": 3, "text": "ü", "nested": {"list": [1.5, True, {"x": -1}]}, "data": b"\xff\x00"}
    answer = lent_node.probe("good_probes", "echo", args, timeout_s=5)
    assert isinstance(answer.value, dict)
    printed = str(answer.value["printed"])
    for part in ("size => 3", "nested => #{list => [1.5,true,#{x => -1}]}", "data => <<255,0>>"):
        assert part in printed
    assert answer.value["args"] == {**args, "data": "<<255,0>>"}


@pytest.mark.parametrize(
    ("probe", "kind", "reason"),
    [
        ("raises", "error", '{some,<<"reason">>}'),
        ("setup", "error", "{setup,no_such_thing}"),
        ("throws", "throw", "thrown"),
        ("exits", "exit", "left"),
        ("killed", "exit", "killed"),
        ("returns_list", "bad_evidence", "evidence must be a map, not [1]"),
        ("same_keys", "bad_evidence", "two keys of a map are both printed as a"),
        ("no_such_probe", "error", "undef"),
    ],
)
def test_a_probe_that_fails_says_how(node: Node, probe: str, kind: str, reason: str) -> None:
    """What a probe raises arrives with class, reason and stack, and the node goes on."""
    with pytest.raises(RemoteError) as caught:
        node.probe("bad_probes", probe, {}, timeout_s=5)
    assert (caught.value.error_class, caught.value.reason) == (kind, reason)
    if kind == "error":
        assert "bad_probes" in caught.value.stacktrace[0]
    assert node.alive
    assert node.probe("good_probes", "none", {}, timeout_s=5).value == {}


@pytest.mark.parametrize("probe", ["deep", "large", "exploding"])
def test_evidence_beyond_a_limit_is_refused_in_the_vm(node: Node, probe: str) -> None:
    """A term 100,000 deep, 64 MiB of text and 2^60 shared elements end as a clear error."""
    args = {"depth": 100_000, "size_bytes": 64 * 1024**2}
    with pytest.raises(RemoteError) as caught:
        node.probe("bad_probes", probe, args, timeout_s=20)
    assert caught.value.error_class == "bad_evidence"
    assert "nested deeper" in caught.value.reason or "larger than" in caught.value.reason
    assert node.probe("good_probes", "none", {}, timeout_s=5).value == {}


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("process", "process <0."),
        ("port", "port #Port<"),
        ("table", "table "),
        ("name", "registered name left_name"),
        ("term", "persistent term {bad_probes,left}"),
        ("module", "module left_module"),
        ("trace", "tracing of new_processes"),
        ("monitor", "tracing of system_monitor"),
        ("flag", "system flag min_heap_size is now {min_heap_size,4185}"),
        ("sweep", "system flag fullsweep_after is now {fullsweep_after,7}"),
    ],
)
def test_what_a_probe_leaves_is_named(node: Node, what: str, text: str) -> None:
    """Each kind of leftover is described, and only once."""
    answer = node.probe("bad_probes", "leaves", {"what": what}, timeout_s=10)
    assert [left for left in answer.leftovers if left.startswith(text)], answer.leftovers
    both = {"name", "port"}  # a name has its process, a port its program
    assert len(answer.leftovers) == (2 if what in both else 1)
    assert node.probe("good_probes", "none", {}, timeout_s=5).leftovers == ()


def test_a_token_of_sequential_tracing_ends_with_its_probe(node: Node) -> None:
    """An answer carries it to the bridge, and what the bridge starts would inherit it."""
    given = node.probe("bad_probes", "token", {"set": True}, timeout_s=5)
    assert given.value == {"token": "{17}"}
    after = node.probe("bad_probes", "token", {"set": False}, timeout_s=5)
    assert after.value == {"token": "[]"}


@pytest.mark.parametrize("probe", ["lazy", "linked_child", "slow_child"])
def test_what_ends_or_belongs_to_the_vm_is_no_leftover(node: Node, probe: str) -> None:
    """Services that a VM starts at first use, and children that end in a moment, do not count."""
    assert node.probe("bad_probes", probe, {}, timeout_s=5).leftovers == ()


def test_the_log_belongs_to_its_call(lent_node: Node) -> None:
    """What a probe prints arrives with its answer, NUL bytes included."""
    assert (
        lent_node.probe("good_probes", "prints", {"text": "erste\n"}, timeout_s=5).log == "erste\n"
    )
    assert lent_node.probe("good_probes", "none", {}, timeout_s=5).log == ""
    answer = lent_node.probe("good_probes", "nul_bytes", {}, timeout_s=5)
    assert "before\\x00\\x00after" in answer.log
    assert answer.value == {"text": "a\0b"}


def test_a_module_that_does_not_compile_tells_why(
    launcher: Launcher, probes_dir: Path, tmp_path: Path
) -> None:
    """The compiler's text arrives with file and line; the node goes on."""
    for path in probes_dir.glob("*.erl"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "broken.erl").write_text("-module(broken).\n-export([a/1]).\na(_) -> B.\n")
    with Node(launcher, name="test-broken", probes=ProbeStore(tmp_path)) as node:
        with pytest.raises(CompileError, match=r"broken\.erl:3:9: variable 'B' is unbound"):
            node.probe("broken", "a", {}, timeout_s=5)
        with pytest.raises(InputError, match="there is no probe module nowhere"):
            node.probe("nowhere", "a", {}, timeout_s=5)
        assert node.probe("good_probes", "none", {}, timeout_s=5).value == {}


def test_close_leaves_nothing(open_node: OpenNode) -> None:
    """After close there is no process, no peer, no scratch folder; closing again is harmless."""
    node = open_node()
    scratch = Path(str(text(node.call("os", "getenv", [list(b"TMPDIR")], timeout_s=5).value)))
    mark = text(
        node.call("os", "getenv", [list(processes.MARK_VARIABLE.encode())], timeout_s=5).value
    )
    pid = int(text(node.call("os", "getpid", timeout_s=5).value))
    assert scratch.is_dir()
    assert pid in processes.marked(mark)
    node.close()
    node.close()
    assert not scratch.exists()
    assert processes.marked(mark) == ()
    assert not node.alive
    with pytest.raises(NodeDiedError, match="closed"):
        node.call("erlang", "node", timeout_s=1)


def test_a_killed_node_compiles_no_longer(node: Node, store: ProbeStore) -> None:
    """A second VM with hours of work ends with the node, and whoever waits for it is told."""
    with ThreadPoolExecutor(1) as pool:
        compiling = pool.submit(node.compile, [(BRIDGE, store.source(BRIDGE))] * 10_000)
        deadline = time.monotonic() + 20
        while node._compiler is None or not node._compiler.alive:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        node.kill()
        with pytest.raises((InfrastructureError, NodeDiedError)):
            compiling.result(timeout=10)


def test_flags_reach_the_vm(open_node: OpenNode) -> None:
    """A node with flags of its own runs with them."""
    node = open_node(flags=("+S", "1:1", "-kernel", "shell_history", "disabled"))
    assert node.build.schedulers == 1


def test_a_vm_that_does_not_start_tells_why(open_node: OpenNode) -> None:
    """A wrong flag ends as an error of the start, with what the VM printed."""
    with pytest.raises(InfrastructureError, match="foo"):
        open_node(flags=("+foo",))


def test_no_erl_is_said_plainly(store: ProbeStore, tmp_path: Path) -> None:
    """A path without a program is an error of the start."""
    node = Node(ProcessLauncher(tmp_path / "erl"), name="test-none", probes=store)
    with pytest.raises(InfrastructureError, match="does not start"):
        node.open()
    node.close()


def test_nothing_of_the_caller_reaches_the_vm(
    open_node: OpenNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flags in the caller's environment do not change the VM under test."""
    monkeypatch.setenv("ERL_FLAGS", "+S 1:1 -foo")
    monkeypatch.setenv("ERL_AFLAGS", "-noshell -eval halt(3).")
    node = open_node()
    assert node.call("init", "get_argument", [Atom("foo")], timeout_s=5).value == "error"
    assert node.build.schedulers == (os.cpu_count() or 1)


def text(value: object) -> str:
    """Return an Erlang string."""
    assert isinstance(value, list)
    return bytes(value).decode()

"""What surrounds a VM, as the VM sees it."""

from __future__ import annotations

from typing import Any

from harness.collect import surroundings
from harness.collect.outcome import Answer
from harness.errors import RemoteError

LIMITS = """Limit                     Soft Limit           Hard Limit           Units
Max data size             1073741824           unlimited            bytes
Max address space         unlimited            unlimited            bytes
Max open files            65536                524288               files
"""
STAT = "17 (beam (x) smp) S 1 17 17 0 -1 4194560 1 0 0 0 1 1 0 0 25 5 30 0 1 2 3"


class Vm:
    """Have files and an environment, and answer as a node does."""

    def __init__(self, files: dict[str, str], **environment: str) -> None:
        self._files = files
        self._environment = environment

    def read_file(self, path: str) -> bytes:
        if path not in self._files:
            raise RemoteError("error", f"enoent: {path}")
        return self._files[path].encode()

    def call(self, _module: str, function: str, args: Any, **_: Any) -> Answer:
        value: Any = "unknown"
        if function == "getenv":
            name = bytes(args[0]).decode()
            set_to = self._environment.get(name)
            value = False if set_to is None else list(set_to.encode())
        elif args[0].name == "cpu_quota":
            raise RemoteError("error", "badarg")
        return Answer(value=value, elapsed_us=1)


def test_limits_quotas_priority_and_locale_are_told() -> None:
    """What nothing limits is left out, and so is what a release does not know."""
    files = {
        "/proc/self/limits": LIMITS,
        "/proc/self/stat": STAT,
        "/proc/self/status": "Name:\tbeam\nCpus_allowed_list:\t0,2-3\n",
        "/sys/fs/cgroup/memory.max": "536870912\n",
    }
    assert surroundings.read(Vm(files, TZ="Asia/Tokyo")) == {  # type: ignore[arg-type]
        "memory bytes": "536870912",
        "data bytes": "1073741824",
        "open files": "65536",
        "nice": "5",
        "cpus": "0,2-3",
        "TZ": "Asia/Tokyo",
    }


def test_where_nothing_is_told_nothing_is_known() -> None:
    """A system without /proc has VMs all the same."""
    assert surroundings.read(Vm({})) == {}  # type: ignore[arg-type]


def test_what_may_change_a_verdict_is_said() -> None:
    """Flags of the shell that do not reach the VM, and a priority that does."""
    said = surroundings.notes({"nice": "10"}, {"ERL_FLAGS": "+S 1:1", "HOME": "/x"})
    assert said == (
        "ERL_FLAGS=+S 1:1 is set here; its VMs are started without that",
        "its VMs run at nice 10: others go before them",
    )

"""A limit counts when the VM sees it."""

from __future__ import annotations

import pytest

from harness.bridge.channel import LARGE, Limits
from harness.collect import limited
from harness.errors import RemoteError, UnmetNeedError
from harness.run.cells import Held, Need, ProbeCall

V1 = "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_"


class Vm:
    """Have files, as a node does."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def read_file(self, path: str) -> bytes:
        if path not in self._files:
            raise RemoteError("error", f"enoent: {path}")
        return self._files[path].encode()


def require(held: Held, files: dict[str, str]) -> None:
    limited.require(Vm(files), held)  # type: ignore[arg-type]


def test_the_node_of_a_call_gets_its_limits() -> None:
    """Those that need memory keep their room on disk."""
    held = Held(cpus=0.5, cpuset=1, memory_mib=512)
    call = ProbeCall(module="m", function="f", held=held)
    assert limited.limits_of(call) == Limits(cpus=0.5, cpuset=1, memory_bytes=512 << 20)
    large = ProbeCall(module="m", function="f", needs=frozenset({Need.MEMORY}))
    assert limited.limits_of(large) == LARGE


@pytest.mark.parametrize(
    ("held", "files"),
    [
        (Held(), {}),
        (Held(cpuset=3), {"/proc/self/status": "Name:\tx\nCpus_allowed_list:\t0,2-3\n"}),
        (Held(cpus=0.5), {"/sys/fs/cgroup/cpu.max": "50000 100000\n"}),
        (Held(cpus=1.5), {f"{V1}quota_us": "150000\n", f"{V1}period_us": "100000\n"}),
        (
            Held(cpus=0.5),
            {"/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/cpu.max": "50000 100000\n"},
        ),
    ],
)
def test_a_vm_that_sees_its_limits_may_be_called(held: Held, files: dict[str, str]) -> None:
    """Whatever version of control groups tells them."""
    require(held, files)


@pytest.mark.parametrize(
    ("held", "files", "said"),
    [
        (Held(cpuset=1), {"/proc/self/status": "Cpus_allowed_list:\t0-1\n"}, "may use 2"),
        (Held(cpuset=1), {}, "may use none"),
        (Held(cpus=0.5), {}, "sees none"),
        (Held(cpus=0.5), {"/sys/fs/cgroup/cpu.max": "max 100000\n"}, "sees none"),
        (Held(cpus=0.5), {"/sys/fs/cgroup/cpu.max": "100000 100000\n"}, "sees 1"),
        (Held(cpus=0.5), {f"{V1}quota_us": "-1\n", f"{V1}period_us": "100000\n"}, "sees none"),
    ],
)
def test_a_vm_that_does_not_see_them_is_an_unmet_need(
    held: Held, files: dict[str, str], said: str
) -> None:
    """The claim would be about something else."""
    with pytest.raises(UnmetNeedError, match=said):
        require(held, files)

"""Limits that a call asks for: what its node is started with, and whether the VM really has them.

Knows: calls, where Linux tells a process what it is held to. Must not know: how a limit is set.

An engine may take an option and do nothing with it, so a limit counts only when the VM sees it.
Source: proc(5), `Cpus_allowed_list`; the kernel's documents of cgroups, `cpu.max`,
`cpu.cfs_quota_us`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from harness.bridge.channel import LARGE, Limits
from harness.collect.node import Node
from harness.errors import RemoteError, UnmetNeedError
from harness.run.cells import Held, ProbeCall

_GROUPS = "/sys/fs/cgroup"
_VERSION_1 = ("cpu", "cpu,cpuacct")
_ALLOWED = re.compile(r"^Cpus_allowed_list:\s*([\d,-]+)", re.MULTILINE)
_OWN = re.compile(r"^0::(/\S+)$", re.MULTILINE)
_NEAR = 0.01
"""An engine may round a quota by as much, as a part of it."""


def limits_of(call: ProbeCall) -> Limits:
    """Return what the node of a call may use."""
    limits = LARGE if call.large else Limits()
    limits = replace(limits, cpus=call.held.cpus, cpuset=call.held.cpuset)
    if call.held.memory_mib is None:
        return limits
    return replace(limits, memory_bytes=call.held.memory_mib * 1024**2)


def require(node: Node, held: Held) -> None:
    """Refuse a node that is not held to the CPUs which a call asks for.

    Raises:
        UnmetNeedError: says what the VM sees instead.
    """
    if held.cpuset is not None and (seen := _cpus_allowed(node)) != held.cpuset:
        raise UnmetNeedError(f"the claim needs {held.cpuset} CPUs, the VM may use {_or_none(seen)}")
    if held.cpus is not None:
        quota = next(_quotas(node), None)
        if quota is None or abs(quota - held.cpus) > _NEAR * held.cpus:
            raise UnmetNeedError(
                f"the claim needs a quota of {held.cpus:g} CPUs, the VM sees {_or_none(quota)}"
            )


def _or_none(seen: float | None) -> str:
    return "none" if seen is None else f"{seen:g}"


def _cpus_allowed(node: Node) -> int | None:
    """Count the CPUs in a list such as `0,2-3`."""
    found = _ALLOWED.search(_text(node, "/proc/self/status"))
    if found is None:
        return None
    ranges = (part.partition("-") for part in found[1].split(","))
    return sum(int(last or first) - int(first) + 1 for first, _, last in ranges)


def _quotas(node: Node) -> Iterator[float]:
    """Yield the quotas that a VM sees, in CPUs: of cgroups in version 2, then in version 1."""
    for own in ("", _own_group(node)):
        if (quota := _share(_text(node, f"{_GROUPS}{own}/cpu.max").split())) is not None:
            yield quota
    for controller in _VERSION_1:
        files = (f"{_GROUPS}/{controller}/cpu.cfs_{what}_us" for what in ("quota", "period"))
        if (quota := _share([_text(node, path).strip() for path in files])) is not None:
            yield quota


def _own_group(node: Node) -> str:
    """Return where the VM's group lies in version 2, for a VM that sees the whole tree."""
    found = _OWN.search(_text(node, "/proc/self/cgroup"))
    return "" if found is None else found[1]


def _share(numbers: list[str]) -> float | None:
    """Return the quota a period; `max`, a negative one and silence are none."""
    match numbers:
        case [quota, period] if quota.isdecimal() and period.isdecimal() and int(period):
            return int(quota) / int(period)
    return None


def _text(node: Node, path: str) -> str:
    try:
        return node.read_file(path).decode(errors="replace")
    except RemoteError:
        return ""

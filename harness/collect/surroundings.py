"""What surrounds a VM beside its flags: limits, quotas, priority, locale; as the VM sees it.

Knows: where Linux tells them. Must not know: what any of them does to a claim. On a system
that tells none of it nothing is known, and nothing stands in the run.

Source: proc(5), the kernel's cgroup-v2 document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress

from harness.bridge.terms import Atom
from harness.collect.node import Node
from harness.errors import RemoteError

_ASK_TIMEOUT_S = 20.0
_MEMORY = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_LIMITS = {
    "Max open files": "open files",
    "Max data size": "data bytes",
    "Max address space": "address bytes",
    "Max processes": "processes",
}
_NICE_FIELD = 16
"""Field `nice` of /proc/PID/stat, counted after the command's closing bracket."""

_ALLOWED = re.compile(r"^Cpus_allowed_list:\s*(\S+)", re.MULTILINE)
_LOCALE = ("TZ", "LANG", "LC_ALL")
_UNLIMITED = frozenset({"max", "unlimited", "9223372036854771712"})


def read(node: Node) -> dict[str, str]:
    """Return what surrounds a node's VM, by name; what is not limited is left out."""
    told = (*_quotas(node), *_limits(node), *_scheduling(node), *_locale(node))
    return {name: value for name, value in told if value not in _UNLIMITED}


def notes(around: Mapping[str, str], environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return in sentences what a reader of verdicts should know of a VM's surroundings.

    Args:
        around: what `read` returned.
        environment: of this process, where the VM is a process of this machine.
    """
    told = [
        f"{name}={value} is set here; its VMs are started without that"
        for name, value in sorted(environment.items())
        if name.startswith("ERL_")
    ]
    if "nice" in around:
        told.append(f"its VMs run at nice {around['nice']}: others go before them")
    return tuple(told)


def _quotas(node: Node) -> Iterator[tuple[str, str]]:
    for name in ("cpu_quota", "logical_processors_available"):
        with suppress(RemoteError):  # cpu_quota is younger than the releases
            value = node.call("erlang", "system_info", [Atom(name)], timeout_s=_ASK_TIMEOUT_S)
            if value.value != "unknown":
                yield name.replace("_", " "), str(value.value)
    for path in _MEMORY:
        if text := _text(node, path):
            yield "memory bytes", text.strip()
            return


def _limits(node: Node) -> Iterator[tuple[str, str]]:
    for line in _text(node, "/proc/self/limits").splitlines():
        for title, name in _LIMITS.items():
            if line.startswith(title):
                yield name, line.removeprefix(title).split()[0]


def _scheduling(node: Node) -> Iterator[tuple[str, str]]:
    fields = _text(node, "/proc/self/stat").rpartition(")")[2].split()
    if len(fields) > _NICE_FIELD and fields[_NICE_FIELD] != "0":
        yield "nice", fields[_NICE_FIELD]
    if allowed := _ALLOWED.search(_text(node, "/proc/self/status")):
        yield "cpus", allowed[1]


def _locale(node: Node) -> Iterator[tuple[str, str]]:
    for name in _LOCALE:
        found = node.call("os", "getenv", [list(name.encode())], timeout_s=_ASK_TIMEOUT_S).value
        if isinstance(found, list):
            yield name, "".join(chr(int(str(one))) for one in found)


def _text(node: Node, path: str) -> str:
    try:
        return node.read_file(path).decode(errors="replace")
    except RemoteError:
        return ""

"""What is asked of an engine for each container, and what is done where the engine refuses it.

Knows: the options of the engine's API, the words in which engines refuse them. Must not know: how
a container is started.

Engines differ: rootless ones may not limit memory or processes, podman has other drivers of logs,
packages of Docker lack its own process 1. What keeps a probe from the machine is never given up.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.bridge.channel import Limits

SCRATCH = "/tmp"  # noqa: S108 - a tmpfs of the container's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Hold one thing that is asked of every container.

    `keys` are the options' names below HostConfig; `refused` matches an engine's complaint about
    it; without `given_up`, the sentence that tells what is missing then, it is insisted on.
    """

    keys: tuple[str, ...]
    why: str
    refused: str = ""
    given_up: str = ""


OPTIONS = (
    Option(keys=("NetworkMode",), why="a probe speaks to nobody"),
    Option(keys=("ReadonlyRootfs",), why="a probe changes nothing of the image"),
    Option(keys=("CapDrop",), why="a probe has no privilege"),
    Option(keys=("SecurityOpt",), why="a probe gains no privilege"),
    Option(keys=("Tmpfs",), why="a VM writes into a folder of its own, and loads libraries there"),
    Option(
        keys=("Init",),
        why="as process 1 a VM could not be killed from inside, nor would it reap",
        refused=r"docker-init|catatonit|init binary|container-init",
        given_up="the engine has no init of its own, so each VM is process 1 of its container",
    ),
    Option(
        keys=("MemorySwap",),
        why="memory means memory",
        refused=r"swap",
        given_up="the engine does not limit swap",
    ),
    Option(
        keys=("Memory", "MemorySwap"),
        why="a probe does not take the machine's memory",
        refused=r"memory limit|memory\.max|memory controller|cgroup.*memory",
        given_up="the engine does not limit memory",
    ),
    Option(keys=("NanoCpus",), why="a claim may ask for a quota of CPU time, and for nothing less"),
    Option(keys=("CpusetCpus",), why="a claim may ask for a number of CPUs, and for nothing less"),
    Option(
        keys=("PidsLimit",),
        why="a probe does not take the machine's processes",
        refused=r"pids[ _-]?limit|pids\.max|pids controller|cgroup.*pids",
        given_up="the engine does not limit processes",
    ),
    Option(
        keys=("LogConfig",),
        why="what a VM prints is taken as it comes and kept nowhere else",
        refused=r"log(ging)?[ -]driver|log config",
        given_up="the engine keeps what VMs print",
    ),
    Option(
        keys=("RestartPolicy",),
        why="a VM that ended stays so",
        refused=r"restart polic",
        given_up="the engine has no policy of restarts",
    ),
    Option(
        keys=("IpcMode",),
        why="a container shares no memory",
        refused=r"ipc",
        given_up="the engine decides itself on shared memory",
    ),
)
"""Every option with what is done when it is refused; the first that a complaint fits goes."""

_lock = threading.Lock()
_given_up: list[Option] = []


def host_settings(limits: Limits) -> dict[str, Any]:
    """Return what a container may do, without what the engine refused before.

    Units: `Memory`, `MemorySwap` bytes; `NanoCpus` CPU nanoseconds a second; `PidsLimit` processes
    and threads.
    """
    asked: dict[str, Any] = {
        "NetworkMode": "none",
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "Init": True,
        "Memory": limits.memory_bytes,
        "MemorySwap": limits.memory_bytes,
        "PidsLimit": limits.processes,
        "Tmpfs": {SCRATCH: f"rw,exec,nosuid,nodev,mode=1777,size={limits.scratch_bytes}"},
        "LogConfig": {"Type": "none"},
        "RestartPolicy": {"Name": "no"},
        "IpcMode": "private",
    }
    return _without(asked | _cpus(limits), given_up())


def _cpus(limits: Limits) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    if limits.cpus is not None:
        asked["NanoCpus"] = round(limits.cpus * 1_000_000_000)
    if limits.cpuset is not None:
        asked["CpusetCpus"] = ",".join(map(str, range(limits.cpuset)))
    return asked


def refused_cpus(complaint: str, settings: Mapping[str, Any]) -> bool:
    """Tell whether an engine's complaint is about the CPUs that a container was to be held to."""
    asked = {"NanoCpus", "CpusetCpus"} & settings["HostConfig"].keys()
    return bool(asked) and re.search(r"cpu", complaint, re.IGNORECASE) is not None


def give_up(complaint: str, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a container's settings without what the engine complains of, None if it is needed.

    What is left out here is left out of every later container of this process.
    """
    host = settings["HostConfig"]
    for option in OPTIONS:
        asked_for = any(key in host for key in option.keys)
        if asked_for and option.given_up and re.search(option.refused, complaint, re.IGNORECASE):
            with _lock:
                if option not in _given_up:
                    _given_up.append(option)
            return {**settings, "HostConfig": _without(host, (option,))}
    return None


def given_up() -> tuple[Option, ...]:
    """Return what this process's engine has refused."""
    with _lock:
        return tuple(_given_up)


def forget() -> None:
    """Ask for everything again: another engine may give it."""
    with _lock:
        _given_up.clear()


def _without(host: Mapping[str, Any], options: Iterable[Option]) -> dict[str, Any]:
    dropped = {key for option in options for key in option.keys}
    return {key: value for key, value in host.items() if key not in dropped}

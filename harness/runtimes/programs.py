"""Programs that take long, run so that an interruption from any thread ends them.

Knows: processes. Must not know: what they do.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

_lock = threading.Lock()
_running: set[subprocess.Popen[bytes]] = set()
_abandoned = threading.Event()


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], timeout_s: float
) -> tuple[int, bytes]:
    """Run a program to its end.

    Returns:
        Its exit status and what it printed on stderr.

    Raises:
        KeyboardInterrupt: it was abandoned.
        subprocess.TimeoutExpired: it took longer than `timeout_s`; it has been killed.
    """
    with _lock:
        if _abandoned.is_set():
            raise KeyboardInterrupt
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # it starts children of its own, which must end with it
        )
        _running.add(child)
    try:
        _, said = child.communicate(timeout=timeout_s)
    finally:
        _kill(child)
        with _lock:
            _running.discard(child)
    if _abandoned.is_set():
        raise KeyboardInterrupt
    return child.returncode, said


def abandon() -> None:
    """End every running program, and start no more: the command is being interrupted."""
    _abandoned.set()
    with _lock:
        for child in _running:
            _kill(child)


def _kill(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()

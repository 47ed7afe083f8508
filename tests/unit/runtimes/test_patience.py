"""An engine that hangs holds nobody."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from harness.runtimes.docker import patience

HANGING = """
import os, signal, sys, threading, time
from harness.system import interruption
interruption.install()
from harness.errors import RuntimeMissingError
from harness.runtimes.docker import patience
print("ready", flush=True)
try:
    with interruption.armed():
        {act}
except (RuntimeMissingError, interruption.Interrupted):
    pass
"""


def test_an_answer_is_handed_on_and_so_is_an_error() -> None:
    """Waiting changes nothing of what the engine says."""
    assert patience.ask(lambda: 7) == 7
    with pytest.raises(TimeoutError, match="its own"):
        patience.ask(lambda: (_ for _ in ()).throw(TimeoutError("its own")))


def test_what_fails_to_end_is_no_error() -> None:
    """It may be gone already."""
    patience.end(lambda: 1 / 0)


@pytest.mark.parametrize(
    "act",
    [
        "patience.ask(lambda: time.sleep(60))",
        "[patience.end(lambda: time.sleep(60)) for _ in range(4)]",
        "time.sleep(60)",
    ],
)
def test_a_signal_ends_the_waiting_within_two_seconds(act: str) -> None:
    """Also for several containers at once; no thread keeps the process."""
    running = subprocess.Popen(
        [sys.executable, "-c", HANGING.format(act=act)], stdout=subprocess.PIPE
    )
    assert running.stdout is not None
    assert running.stdout.readline() == b"ready\n"
    time.sleep(0.3)
    started = time.monotonic()
    running.send_signal(signal.SIGINT)
    running.wait(20)
    running.stdout.close()
    assert time.monotonic() - started < 4  # 2 s on a machine that has nothing else to do

"""The channel of a process: deadlines hold, pipes keep flowing, nothing lingers."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.bridge.channel import Limits, ProcessChannel, ProcessLauncher
from harness.errors import InfrastructureError, UnmetNeedError
from harness.system import processes

Open = Callable[[str], ProcessChannel]


@pytest.fixture
def shell() -> Iterator[Open]:
    """Open channels to shell scripts in a session of their own."""
    opened: list[ProcessChannel] = []

    def start(script: str) -> ProcessChannel:
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            ["sh", "-c", script],
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            bufsize=0,
            start_new_session=True,
        )
        channel = ProcessChannel(process)
        opened.append(channel)
        return channel

    yield start
    for channel in opened:
        channel.kill()


def soon(seconds: float = 10.0) -> float:
    return time.monotonic() + seconds


def test_bytes_go_both_ways(shell: Open) -> None:
    """What is written is read back, then the end."""
    channel = shell("head -c 300000")
    channel.write(b"x" * 300_000, soon())
    found = b""
    while data := channel.read(65536, soon()):
        found += data
    assert found == b"x" * 300_000
    assert channel.wait(soon()) == 0


def test_a_read_ends_at_its_deadline(shell: Open) -> None:
    """Silence past the deadline is a TimeoutError, and the channel can still be used."""
    channel = shell("read line; echo $line")
    with pytest.raises(TimeoutError):
        channel.read(10, soon(0.1))
    channel.write(b"hello\n", soon())
    assert channel.read(10, soon()) == b"hello\n"


def test_a_write_that_nobody_reads_ends_at_its_deadline(shell: Open) -> None:
    """A full pipe does not hold the harness."""
    channel = shell("sleep 60")
    with pytest.raises(TimeoutError):
        channel.write(bytes(10_000_000), soon(0.3))


def test_a_write_to_a_dead_process_is_said(shell: Open) -> None:
    """A process that is gone is an OSError, not a signal."""
    channel = shell("exit 3")
    assert channel.wait(soon()) == 3
    with pytest.raises(BrokenPipeError):
        channel.write(bytes(10_000_000), soon())


def test_stderr_keeps_flowing_while_we_wait(shell: Open) -> None:
    """Megabytes on stderr, more than any pipe holds, do not keep an answer from arriving."""
    channel = shell("head -c 3000000 /dev/zero | tr '\\0' e >&2; echo done")
    assert channel.read(10, soon()) == b"done\n"
    log = channel.log()
    assert log.startswith(b"eee")
    assert b"bytes dropped" in log
    assert len(log) < 70_000


def test_a_flood_without_end_still_lets_the_log_be_read(shell: Open) -> None:
    """A process that never stops printing cannot hold up who asks for its log."""
    channel = shell("yes >&2; :")
    with pytest.raises(TimeoutError):
        channel.read(10, soon(0.1))
    assert channel.log().startswith(b"y\ny\n")


def test_kill_from_another_thread_ends_a_read(shell: Open) -> None:
    """A reader learns at once, even when a child holds the pipe open."""
    channel = shell("setsid sleep 5 & read line")
    timer = threading.Timer(0.2, channel.kill)
    timer.start()
    start = time.monotonic()
    assert channel.read(10, soon(30)) == b""
    assert time.monotonic() - start < 4
    timer.join()
    assert channel.wait(soon()) == -9


def test_kill_is_repeatable_and_keeps_the_last_words(shell: Open) -> None:
    """After kill, calls are harmless, and what was printed is still there."""
    channel = shell("echo 'last words' >&2; echo; sleep 60")
    assert channel.read(1, soon()) == b"\n"
    channel.kill()
    channel.kill()
    assert channel.log() == b"last words\n"
    assert channel.read(1, soon()) == b""
    with pytest.raises(BrokenPipeError):
        channel.write(b"x", soon())


def test_what_a_vm_started_ends_with_it(tmp_path: Path) -> None:
    """A grandchild in a session of its own, as peers are, is found by its mark and killed."""
    erl = tmp_path / "erl"
    erl.write_text('#!/bin/sh\nsetsid sleep 60 &\necho "$BEAMPROOF_VM $TMPDIR" >&4\nsleep 60\n')
    erl.chmod(0o755)
    channel = ProcessLauncher(erl).start(name="vm", flags=(), env={}, limits=Limits())
    mark, _, scratch = channel.read(500, soon()).decode().strip().partition(" ")
    assert len(processes.marked(mark)) >= 2
    assert Path(scratch).is_dir()
    channel.kill()
    assert processes.marked(mark) == ()
    assert not Path(scratch).exists()


def test_nobody_goes_on_before_the_end_is_over(tmp_path: Path) -> None:
    """Of several threads that end a VM, each finds its folder gone when it goes on."""
    erl = tmp_path / "erl"
    erl.write_text('#!/bin/sh\nmkdir -p "$TMPDIR/a/b"\necho "$TMPDIR" >&4\nsleep 60\n')
    erl.chmod(0o755)
    channel = ProcessLauncher(erl).start(name="vm", flags=(), env={}, limits=Limits())
    scratch = Path(channel.read(500, soon()).decode().strip())
    left: list[bool] = []

    def end() -> None:
        channel.kill()
        left.append(scratch.exists())

    threads = [threading.Thread(target=end) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert left == [False] * 4


def test_a_vm_is_held_to_its_memory(tmp_path: Path) -> None:
    """The limit is in force in the process that is started."""
    erl = tmp_path / "erl"
    erl.write_text("#!/bin/sh\nread go <&3\ngrep 'Max data size' /proc/self/limits >&4\n")
    erl.chmod(0o755)
    limits = Limits(memory_bytes=300 * 1024**2)
    channel = ProcessLauncher(erl).start(name="vm", flags=(), env={}, limits=limits)
    channel.write(b"go\n", soon())
    assert channel.read(500, soon()).split()[3:5] == [b"314572800", b"314572800"]
    channel.kill()


def test_a_vm_is_held_to_its_cpus(tmp_path: Path) -> None:
    """From its first instruction on, and nobody else is: this thread has all of its own again."""
    before = os.sched_getaffinity(0)
    erl = tmp_path / "erl"
    erl.write_text("#!/bin/sh\ngrep Cpus_allowed_list /proc/self/status >&4\n")
    erl.chmod(0o755)
    channel = ProcessLauncher(erl).start(name="vm", flags=(), env={}, limits=Limits(cpuset=1))
    assert channel.read(500, soon()).split()[1] == str(min(before)).encode()
    channel.kill()
    assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(cpuset=100_000), "needs 100000 CPUs, this machine gives"),
        (Limits(cpus=0.5), "a quota of CPU time needs a container"),
    ],
)
def test_cpus_that_a_process_cannot_be_held_to(limits: Limits, said: str, tmp_path: Path) -> None:
    """They are an unmet need, not a VM that starts without them."""
    with pytest.raises(UnmetNeedError, match=said):
        ProcessLauncher(tmp_path / "erl").start(name="vm", flags=(), env={}, limits=limits)


@pytest.mark.parametrize(("cpus", "slowness"), [(None, 1), (2.0, 1), (1.0, 1), (0.25, 4)])
def test_a_quota_below_one_cpu_makes_a_vm_slow(cpus: float | None, slowness: float) -> None:
    """It is waited for as much longer."""
    assert Limits(cpus=cpus).slowness == slowness


def test_no_shell_is_an_error_of_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without sh is said plainly."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InfrastructureError, match="cannot start"):
        ProcessLauncher(tmp_path / "erl").start(name="vm", flags=(), env={}, limits=Limits())

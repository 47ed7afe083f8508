"""Signals at any moment of a command: one exit code, no traceback."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

INSTALL = """
import os, signal, sys, time
from harness.system import interruption
interruption.install()
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", INSTALL + program],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_exit_code_is_128_and_the_signal(number: signal.Signals) -> None:
    """A shell shows the same of a program that the signal ended."""
    done = run(f"""
try:
    with interruption.armed():
        os.kill(os.getpid(), {int(number)})
        time.sleep(60)
except interruption.Interrupted as interrupted:
    sys.exit(interrupted.exit_code)
""")
    assert (done.returncode, done.stderr) == (128 + number, "")


def test_a_signal_from_before_the_command_began_is_raised_in_it() -> None:
    """What came while modules were imported is not lost."""
    done = run("""
os.kill(os.getpid(), signal.SIGTERM)
try:
    with interruption.armed():
        sys.exit(1)
except interruption.Interrupted:
    sys.exit(0)
""")
    assert done.returncode == 0, done.stderr


def test_no_import_is_cut_short(tmp_path: Path) -> None:
    """An exception out of an import would leave its lock held."""
    (tmp_path / "slow.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(0.2)\nwhole = 1\n"
    )
    done = run(f"""
sys.path.insert(0, {str(tmp_path)!r})
try:
    with interruption.armed():
        import slow
        time.sleep(60)
except interruption.Interrupted:
    sys.exit(0 if slow.whole else 1)
""")
    assert done.returncode == 0, done.stderr


def test_further_signals_do_not_reach_the_clean_up() -> None:
    """Ten times Ctrl-C ends as one does."""
    done = run("""
done = []
try:
    with interruption.armed():
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        finally:
            for number in range(10):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.06)
                done.append(number)
except interruption.Interrupted as interrupted:
    sys.exit(0 if len(done) == 10 else 1)
""")
    assert done.returncode == 0, done.stderr


def test_a_held_block_is_finished_first() -> None:
    """What a signal may not cut short says so."""
    done = run("""
done = []
try:
    with interruption.armed():
        with interruption.held():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.1)
            done.append(1)
        done.append(2)
except interruption.Interrupted:
    sys.exit(0 if done == [1] else 1)
""")
    assert done.returncode == 0, done.stderr


def test_a_signal_that_a_finaliser_swallowed_is_raised_again() -> None:
    """Python prints and forgets what is raised in `__del__`."""
    done = run("""
class Swallows:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
try:
    with interruption.armed():
        thing = Swallows()
        del thing
        time.sleep(60)
except interruption.Interrupted:
    sys.exit(0)
""")
    assert done.returncode == 0, done.stderr


def test_a_signal_after_the_end_changes_no_exit_code() -> None:
    """The verdicts are known and printed: what still runs is Python's own end."""
    done = run("""
import atexit
atexit.register(os.kill, os.getpid(), signal.SIGINT)
class Late:
    def __del__(self, kill=os.kill, pid=os.getpid()):
        kill(pid, 2)
late = Late()
with interruption.armed():
    pass
interruption.over()
sys.exit(7)
""")
    assert (done.returncode, done.stderr) == (7, "")


def test_nohup_is_respected() -> None:
    """A signal that the caller has ignored stays ignored."""
    program = INSTALL + "os.kill(os.getpid(), signal.SIGHUP)\nwith interruption.armed(): pass\n"
    done = subprocess.run(
        ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh", sys.executable, "-c", program],
        check=False,
    )
    assert done.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_is_ended_at_every_moment_of_its_start(number: signal.Signals) -> None:
    """From its own first instruction on: 128 + N, and no traceback."""
    for delay in (0.03, 0.06, 0.09, 0.12, 0.15, 0.2, 0.3):
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", "lint"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        time.sleep(delay)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        if b"<frozen" in said or b"site.py" in said:
            continue  # Python itself was starting: nothing of ours had run
        assert process.returncode in {128 + number, -number, 0}, delay
        assert b"Traceback" not in said, said.decode()


@pytest.mark.parametrize("name", ["RuntimeMissingError", "StorageError"])
def test_a_start_given_up_for_a_signal_is_no_missing_release(tmp_path: Path, name: str) -> None:
    """What fails because of the signal before it can be raised hides no exit code but its own."""
    (tmp_path / "given_up.py").write_text(f"""
import os, signal, click
from harness.errors import {name}
@click.command("doctor")
def verb():
    raise {name}("no VM started")
os.kill(os.getpid(), signal.SIGTERM)  # noted, and not raised in an import
""")
    done = run(f"""
from harness.cli import main
sys.path.insert(0, {str(tmp_path)!r})
main._VERBS["doctor"] = "given_up:verb"
sys.exit(main.run(["doctor"]))
""")
    said = "beamproof: no VM started\n"
    expected = (143, "") if name == "RuntimeMissingError" else (6, said)
    assert (done.returncode, done.stderr) == expected

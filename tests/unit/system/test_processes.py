"""What belongs to whom, and what to nobody any more."""

import os
import platform
import subprocess
import sys

import pytest

from harness.system import processes

TELL = "from harness.system import processes; print(processes.own())"


@pytest.fixture
def ended_owner() -> str:
    """Return the name of a process that has ended."""
    told = subprocess.run([sys.executable, "-c", TELL], capture_output=True, text=True, check=True)
    return told.stdout.strip()


def test_this_process_is_not_gone() -> None:
    """A living owner keeps what it owns."""
    assert not processes.is_gone(processes.own())


def test_an_ended_process_is_gone(ended_owner: str) -> None:
    """What an ended process owned is nobody's."""
    assert processes.is_gone(ended_owner)


def test_a_later_process_of_the_same_number_is_another_owner() -> None:
    """Numbers come round again; the start time tells the two apart."""
    assert processes.is_gone(f"{platform.node()}:{os.getpid()}:1")


@pytest.mark.parametrize("name", ["", "nonsense", "elsewhere:1:2", "a:b:c", ":::"])
def test_what_cannot_be_judged_from_here_is_left_alone(name: str) -> None:
    """Owners on other machines, and no owner at all, are never taken for gone."""
    assert not processes.is_gone(name)


def test_a_process_that_outlived_its_owner_is_found(ended_owner: str) -> None:
    """A VM is known by the owner in its environment; those of living owners are not touched."""
    mark = {processes.MARK_VARIABLE: f"{ended_owner}/a-vm/scratch-1"}
    orphan = subprocess.Popen(["sleep", "60"], env={**os.environ, **mark})
    owned = subprocess.Popen(
        ["sleep", "60"], env={**os.environ, processes.MARK_VARIABLE: processes.mark("a-vm")}
    )
    try:
        found = processes.orphans()
        assert orphan.pid in found
        assert owned.pid not in found
        assert "scratch-1" in processes.scratch_folders()
    finally:
        for process in (orphan, owned):
            process.kill()
            process.wait()

"""What belongs to whom, and what to nobody any more."""

import os
import platform
import subprocess
import sys

import pytest

from harness.runtimes import owner

TELL = "from harness.runtimes import owner; print(owner.own())"


@pytest.fixture
def ended_owner() -> str:
    """Return the name of a process that has ended."""
    told = subprocess.run([sys.executable, "-c", TELL], capture_output=True, text=True, check=True)
    return told.stdout.strip()


def test_this_process_is_not_gone() -> None:
    """A living owner keeps what it owns."""
    assert not owner.is_gone(owner.own())


def test_an_ended_process_is_gone(ended_owner: str) -> None:
    """What an ended process owned is nobody's."""
    assert owner.is_gone(ended_owner)


def test_a_later_process_of_the_same_number_is_another_owner() -> None:
    """Numbers come round again; the start time tells the two apart."""
    assert owner.is_gone(f"{platform.node()}:{os.getpid()}:1")


@pytest.mark.parametrize("name", ["", "nonsense", "elsewhere:1:2", "a:b:c", ":::"])
def test_what_cannot_be_judged_from_here_is_left_alone(name: str) -> None:
    """Owners on other machines, and no owner at all, are never taken for gone."""
    assert not owner.is_gone(name)


def test_a_process_that_outlived_its_owner_is_found(ended_owner: str) -> None:
    """A VM is known by the owner in its environment; those of living owners are not touched."""
    mark = {owner.OWNER_VARIABLE: ended_owner}
    orphan = subprocess.Popen(["sleep", "60"], env={**os.environ, **mark})
    owned = subprocess.Popen(["sleep", "60"], env={**os.environ, owner.OWNER_VARIABLE: owner.own()})
    try:
        found = owner.orphans()
        assert orphan.pid in found
        assert owned.pid not in found
        assert ended_owner in owner.environment_values(owner.OWNER_VARIABLE)
    finally:
        for process in (orphan, owned):
            process.kill()
            process.wait()

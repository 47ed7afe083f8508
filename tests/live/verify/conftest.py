"""What the tests of whole commands share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def way(erls: dict[int, Path]) -> list[str]:
    """Return the options that give a command the VMs of this machine."""
    roots = [word for erl in erls.values() for word in ("--otp-root", str(erl.parent.parent))]
    return ["--runtime", "host", *roots]

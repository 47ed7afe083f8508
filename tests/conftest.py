"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NoReturn

import pytest
from hypothesis import settings

# Machines are shared: a slow example says nothing, and a suite that fails now and then is none.
settings.register_profile("beamproof", deadline=None)
settings.load_profile("beamproof")

Missing = Callable[[str, str], NoReturn]


@pytest.fixture(scope="session")
def missing() -> Missing:
    """Return what a test calls with a kind and a reason when its machine lacks something.

    The test is skipped with the reason, or fails where BEAMPROOF_REQUIRE names the kind.
    """
    required = os.environ.get("BEAMPROOF_REQUIRE", "").split(",")

    def lack(kind: str, reason: str) -> NoReturn:
        if kind in required:
            pytest.fail(f"{kind} is required (BEAMPROOF_REQUIRE): {reason}")
        pytest.skip(reason)

    return lack

"""A machine of its own for each test of runtimes."""

import pytest


@pytest.fixture(autouse=True)
def _own_surroundings(own_surroundings: None) -> None:
    """Give each test a machine without engine, installs and cache."""

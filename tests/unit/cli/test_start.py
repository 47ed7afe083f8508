"""How fast a verb starts: what `verify` needs before its VMs are starting, and nothing else."""

import subprocess
import sys

import pytest

SLOW = (
    "rich", "jinja2", "docker", "packaging", "pygments", "pytest", "platformdirs", "tomllib",
    "harness.claims.model", "harness.judge", "harness.report", "harness.verify.stages",
)  # fmt: skip


@pytest.mark.parametrize("module", SLOW)
def test_verify_is_loaded_without(module: str) -> None:
    """The first claim runs that much sooner: the rest is imported while the VMs start."""
    program = f"import sys, harness.cli.verify\nsys.exit({module!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    assert done.returncode == 0

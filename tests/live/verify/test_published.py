"""The way of a maintainer: mark a page, publish it, change a sentence, break a claim."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import ExitCode

pytestmark = pytest.mark.live

OUR_MAPS = Path(__file__).parents[2] / "skills" / "our-maps"
PAGE = """\
---
beamproof: otp 25,27
---
# Maps

Small maps keep their keys in term order. <!-- claim: our-maps/small-map-limit -->
Since OTP 26 atoms come in another order. <!-- claim: our-maps/atom-keys otp 27 -->
"""


def test_a_page_is_published_until_a_sentence_or_a_claim_changes(
    tmp_path: Path, way: list[str]
) -> None:
    """Each step by the command that the step before names."""
    shutil.copytree(OUR_MAPS, tmp_path, dirs_exist_ok=True)
    page = tmp_path / "maps.md"
    page.write_text(PAGE, encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if key != "BEAMPROOF_RUNS"}

    def prove(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "harness", "prove", "maps.md", *words],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    done = prove()
    assert (done.returncode, "verify makes one" in done.stderr) == (ExitCode.BAD_INPUT, True)
    done = prove("--accept", "--verify", *way)
    assert done.returncode == ExitCode.CONFIRMED, done.stdout + done.stderr
    assert done.stdout == "maps.md: 2 of 2 sentences with a mark proven\n"
    assert "4 confirmed" in done.stderr
    assert prove("--max-unproven", "0").returncode == ExitCode.CONFIRMED
    page.write_text(PAGE.replace("Small maps", "Maps"), encoding="utf-8")
    done = prove()
    assert done.returncode == ExitCode.REFUTED
    assert 'maps.md:6: error: the sentence changed: it was "Small maps keep' in done.stdout
    page.write_text(PAGE, encoding="utf-8")
    claims = tmp_path / "claims" / "our-maps.toml"
    broken = claims.read_text().replace(
        "largest_sorted_map_count = 32", "largest_sorted_map_count = 31"
    )
    claims.write_text(broken)
    done = prove()  # the run is judged anew, without a VM
    assert done.returncode == ExitCode.REFUTED
    assert "maps.md:6: error: our-maps/small-map-limit is refuted on OTP 25, 27" in done.stdout

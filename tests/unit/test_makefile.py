"""The Makefile: every target known, nothing misspelt taken in silence."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def make(*words: str) -> subprocess.CompletedProcess[str]:
    """Say what make would do, and do nothing."""
    return subprocess.run(
        ["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_every_target_is_named_as_one() -> None:
    """A target that is not in GOALS would be refused as a stray word."""
    goals = re.search(r"^GOALS +:= (.*)$", MAKEFILE, re.MULTILINE)
    assert goals is not None
    targets = re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE, re.MULTILINE)
    assert sorted(goals[1].split()) == sorted(targets)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["verify", "SKIL=beam-ets-internals"], "no target reads SKIL"),
        (["verify", "beam-ets-internals"], "make verify SKILL=beam-ets-internals"),
    ],
)
def test_a_misspelt_word_is_refused_before_anything_runs(words: list[str], said: str) -> None:
    """Or all skills would run, for minutes."""
    done = make(*words)
    assert done.returncode != 0
    assert said in done.stderr


def test_a_claim_can_be_named() -> None:
    """The pattern reaches the verb in one piece."""
    done = make("verify", "SKILL=our-maps", "CLAIM=small-*")
    assert "verify our-maps --claim 'small-*'" in done.stdout


def test_a_share_can_be_collected() -> None:
    """A job of the nightly matrix is one line."""
    done = make("nightly-collect", "OTP=27", "SHARD=2/8", "RUNTIME=auto")
    assert "--otp '27' --runtime auto  --shard 2/8 --runs" in done.stdout


def test_what_did_not_change_is_taken_over_unless_somebody_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By whoever works on claims; never by a night, and in CI by nobody."""
    monkeypatch.setenv("CI", "")
    assert "--reuse 24h" in make("verify").stdout
    assert "--reuse" not in make("verify", "REUSE=").stdout
    assert "--reuse" not in make("nightly-collect").stdout
    monkeypatch.setenv("CI", "true")
    assert "--reuse" not in make("verify").stdout


def test_cleaning_leaves_the_evidence() -> None:
    """Runs are made by hours of work: who wants them gone says so."""
    assert ".beamproof" not in make("clean").stdout
    assert ".beamproof" in make("distclean").stdout

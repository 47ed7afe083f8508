"""`beamproof sabotage` on real VMs: what falls, what stays, what proves nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import ExitCode

pytestmark = pytest.mark.live

OUR_MAPS = Path(__file__).parents[2] / "skills" / "our-maps"

VARIANT = """
[[variant]]
id = "{name}"
claims = ["small-map-limit"]
why = "A test of the verb."
[[variant.edit]]
find = "    Sizes = lists:seq(2, 64),"
replace = "    {line}"
"""


def sabotage(root: Path, way: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    """Run the verb on the skill below a folder."""
    folders = ["--claims", str(root / "claims"), "--probes", str(root / "erlang_probes")]
    command = [sys.executable, "-m", "harness", "sabotage", "our-maps", *folders, *way, *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a copy of the team's skill, free to be changed."""
    return Path(shutil.copytree(OUR_MAPS, tmp_path / "our-maps"))


def test_every_claim_of_the_example_falls(way: list[str]) -> None:
    """On each release, and the verb says without what."""
    done = sabotage(OUR_MAPS, [*way, "--otp", "25,27"], "--json")
    assert done.returncode == ExitCode.CONFIRMED, done.stdout + done.stderr
    (report,) = json.loads(done.stdout)
    assert report["without_a_variant"] == []
    assert {(trial["claim"], trial["runtime"]) for trial in report["trials"]} == {
        (claim, runtime)
        for claim in ("small-map-limit", "atom-keys")
        for runtime in ("otp25", "otp27")
    }
    assert {trial["fate"] for trial in report["trials"]} == {"fell"}


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("Sizes = lists:seq(2, 60),", ExitCode.REFUTED, "stays confirmed without"),
        ("Sizes = lists:seq(2, 3),", ExitCode.INCONCLUSIVE, "the probe crashed"),
        ("Sizes = [,", ExitCode.INCONCLUSIVE, "the probe does not compile"),
        ("Unused = 1, Sizes = lists:seq(34, 64),", ExitCode.CONFIRMED, "falls without"),
        ("Sizes = error({setup, no_sizes}),", ExitCode.CONFIRMED, "falls without"),
    ],
)
def test_what_stays_and_what_proves_nothing_is_told_apart(
    root: Path, way: list[str], line: str, code: ExitCode, said: str
) -> None:
    """A probe that merely breaks has shown nothing; a variable without use is no defect."""
    variants = root / "claims" / "sabotage" / "our-maps.toml"
    variant = VARIANT.format(name="in-question", line=line)
    variants.write_text('skill = "our-maps"\n' + variant)
    done = sabotage(root, [*way, "--otp", "27"])
    assert (done.returncode, said in done.stdout) == (code, True), done.stdout + done.stderr
    assert "without a variant: atom-keys" in done.stdout


def test_a_claim_is_tried_only_where_it_is_asked_for(way: list[str]) -> None:
    """Globs choose claims and variants; one that fits nothing is refused."""
    only = sabotage(OUR_MAPS, [*way, "--otp", "27"], "--claim", "atom*")
    assert "small-map-limit" not in only.stdout
    assert "1 variants: 1 fell" in only.stdout
    nothing = sabotage(OUR_MAPS, way, "--variant", "limit-elsewher")
    assert nothing.returncode == ExitCode.BAD_INPUT
    assert 'did you mean "limit-elsewhere"?' in nothing.stderr


def test_what_a_machine_takes_out_is_shown_where_nobody_notices(root: Path, way: list[str]) -> None:
    """Survivors are for a person to read: no exit code says that they are wrong."""
    source = root / "erlang_probes" / "our_maps.erl"
    text = source.read_text()
    source.write_text(text.replace("    Sizes =", "    erlang:garbage_collect(),\n    Sizes ="))
    done = sabotage(root, [*way, "--otp", "27"], "--auto", "--claim", "small-map-limit")
    assert done.returncode == ExitCode.CONFIRMED, done.stdout + done.stderr
    assert "erlang:garbage_collect() -> ok  (otp27)" in done.stdout
    assert "5 trials: 1 fell, 2 survived, 2 proved nothing" in done.stdout

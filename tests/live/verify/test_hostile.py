"""Nothing that a probe does reaches the next verdict.

Each kind of attack is followed, on the same lane, by a probe whose claim is false; were it ever
confirmed, the attack would have reached it. The claims are written here, two a kind.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.run.file import read_run
from harness.run.model import Run

pytestmark = pytest.mark.live

PROBES = Path(__file__).parents[2] / "skills" / "misbehaving" / "erlang_probes"

KINDS = (
    *("answers", "answers-by-descriptor", "answers-later", "answers-after-a-death"),
    *("takes-the-pipe", "ends-the-bridge", "ends-the-loader"),
    *("code-of-probe-bridge", "code-of-probe-evidence", "code-of-probe-state"),
    *("code-of-probe-lib", "code-of-hostile", "code-of-lists"),
    *("environment", "application", "application-table", "memory", "folder", "path", "depth"),
    *("accounting", "logger", "pattern", "counter", "term", "file", "program"),
    *("timer", "timer-service", "raises", "raises-and-leaves"),
)

SAID = {
    "code-of-lists": "module lists has other code",
    "code-of-hostile": "module hostile has other code",
    "environment": "environment variable",
    "application": "application controller's entry {env,kernel,hostile}",
    "application-table": "application controller's entry {env,kernel,hostile}",
    "memory": "application controller's entry {env,kernel,hostile_memory}",
    "folder": "working_folder is another",
    "path": "code_path is another",
    "depth": "system flag backtrace_depth is now 3",
    "accounting": "system flag microstate_accounting is now on",
    "logger": "configuration of the logger for '$primary_config$' is another",
    "term": "persistent term {prim_socket,options} has another value",
    "file": 'file "hostile" in the scratch folder',
    "program": "sleep outside the VM",
    "timer-service": "application controller's entry {env,kernel,hostile}",
    "answers-later": "application controller's entry {env,kernel,hostile}",
    "raises": "environment variable",
    "raises-and-leaves": "registered name hostile",
}
"""What the finding of an attack names, where it can be seen."""

CLAIM = """
[[claim]]
id = "{kind}-{probe}"
probe = "{probe}"
statement = "The answer is 42."
sources = ["https://www.erlang.org/doc/"]
args = {{ kind = "{kind}", seconds = "61.{unique}" }}
timeout_s = 8
expect.answer_count = 42

[[claim.rival]]
statement = "The answer is 41."
expect.answer_count = 41
"""


def written(folder: Path, probes: tuple[str, ...]) -> Path:
    """Write the claims of every kind, and return their folder."""
    head = 'skill = "hostile"\ndescription = "Attacks, each followed by a false claim."\n'
    unique = os.getpid()  # the attack that leaves a program behind is looked for machine-wide
    claims = (
        CLAIM.format(kind=kind, probe=probe, unique=unique) for kind in KINDS for probe in probes
    )
    (folder / "hostile.toml").write_text(head + "".join(claims), encoding="utf-8")
    return folder


def observed(
    folder: Path, way: list[str], release: int, probes: tuple[str, ...]
) -> tuple[dict[str, str], Run]:
    """Run the claims on one lane, and return the verdict of each and the run."""
    command = [sys.executable, "-m", "harness", "verify", "--json", "--jobs", "1", *way]
    command += ["--otp", str(release), "--runs", str(folder / "runs")]
    command += ["--claims", str(written(folder, probes)), "--probes", str(PROBES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    found = json.loads(done.stdout)["findings"]
    (file,) = (folder / "runs").glob("*.jsonl")
    verdicts = {row["cell"].partition("@")[0]: row["verdict"] for row in found}
    return verdicts, read_run(file)


def test_nothing_that_a_probe_does_reaches_the_next_verdict(
    tmp_path: Path, way: list[str], release: int
) -> None:
    """After every attack the false claim is refuted, on another node; what can be seen is said."""
    verdicts, run = observed(tmp_path, way, release, ("attack", "next"))
    wrong = {
        kind: verdicts[f"hostile/{kind}-next"]
        for kind in KINDS
        if verdicts[f"hostile/{kind}-next"] != "refuted"
    }
    assert wrong == {}
    attacks = {one.args["kind"]: one.samples[0] for one in run.observations[::2]}
    nexts = {one.args["kind"]: one.samples[0] for one in run.observations[1::2]}
    assert set(attacks) == set(nexts) == set(KINDS)
    assert [kind for kind in KINDS if attacks[kind].node == nexts[kind].node] == []
    for kind, words in SAID.items():
        assert words in " ".join(attacks[kind].leftovers), kind


def test_the_false_claims_are_refuted_where_nobody_attacks(
    tmp_path: Path, way: list[str], release: int
) -> None:
    """The control: on one node, none of them is reached by the others."""
    verdicts, run = observed(tmp_path, way, release, ("next",))
    assert set(verdicts.values()) == {"refuted"}
    assert len({one.samples[0].node for one in run.observations}) == 1

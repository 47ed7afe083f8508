"""Nothing that a probe does reaches the next verdict.

Each kind of attack is followed, on the same lane, by a probe whose claim is false; were it ever
confirmed, the attack would have reached it. The claims are written here, two a kind.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.run.file import read_run
from harness.run.model import Run
from harness.runtimes.docker import images
from tests.support.busy import in_time

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
timeout_s = {timeout_s}
expect.answer_count = 42

[[claim.rival]]
statement = "The answer is 41."
expect.answer_count = 41
"""


FLOODS = ("flood-of-a-frame", "flood-of-output", "flood-of-a-child")
INTERRUPT_S = 2.0
"""What the product promises of Ctrl-C, whatever the VM sends."""

_FLOODING_S = 0.5
"""So long a flood runs before it is interrupted; its deadline comes much later."""


def written(folder: Path, probes: tuple[str, ...], kinds: tuple[str, ...] = KINDS) -> Path:
    """Write the claims of kinds, and return their folder."""
    head = 'skill = "hostile"\ndescription = "Attacks, each followed by a false claim."\n'
    claims = (
        CLAIM.format(
            kind=kind,
            probe=probe,
            unique=os.getpid(),  # the program that is left behind is looked for machine-wide
            timeout_s=4 if (kind, probe) == ("ends-the-bridge", "attack") else 30,
        )
        for kind in kinds
        for probe in probes
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
    assert_that_no_attack_reaches_the_next(tmp_path, way, release)


def assert_that_no_attack_reaches_the_next(folder: Path, way: list[str], release: int) -> None:
    verdicts, run = observed(folder, way, release, ("attack", "next"))
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


@pytest.mark.docker
@pytest.mark.xdist_group("containers")
def test_nor_does_it_in_containers(
    tmp_path: Path, import_image: Callable[[int], images.Image]
) -> None:
    """The same attacks behind an engine: there, too, each costs its own node and nothing else."""
    way = ["--runtime", "docker", "--image", import_image(27).reference]
    assert_that_no_attack_reaches_the_next(tmp_path, way, 27)


def test_the_false_claims_are_refuted_where_nobody_attacks(
    tmp_path: Path, way: list[str], release: int
) -> None:
    """The control: on one node, none of them is reached by the others."""
    verdicts, run = observed(tmp_path, way, release, ("next",))
    assert set(verdicts.values()) == {"refuted"}
    assert len({one.samples[0].node for one in run.observations}) == 1


def interrupted_in(folder: Path, way: list[str], flood: str) -> float:
    """Interrupt a command whose VM sends without end; return how long it went on, in seconds."""
    command = [sys.executable, "-m", "harness", "verify", "-v", "--jobs", "1", *way, "--otp", "27"]
    command += ["--runs", str(folder / "runs"), "--probes", str(PROBES)]
    command += ["--claims", str(written(folder, ("next", "attack"), (flood,)))]
    with subprocess.Popen(
        command,
        env={**os.environ, "CI": "", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert any(f"hostile/{flood}-next@otp27" in line for line in process.stdout)
        time.sleep(_FLOODING_S)
        since = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        took_s = time.monotonic() - since
    assert process.returncode == 128 + signal.SIGINT
    (file,) = (folder / "runs").glob("*.jsonl")
    assert [cell.claim for cell in read_run(file).by_cell] == [f"{flood}-next"]
    return took_s


@pytest.mark.parametrize("flood", FLOODS)
def test_ctrl_c_is_obeyed_while_a_vm_floods(tmp_path: Path, way: list[str], flood: str) -> None:
    """A frame, output, a runaway child's output: none that does not end holds who wants to go."""
    assert interrupted_in(tmp_path, way, flood) < in_time(INTERRUPT_S)


@pytest.mark.docker
@pytest.mark.xdist_group("containers")
@pytest.mark.parametrize("flood", FLOODS)
def test_ctrl_c_is_obeyed_while_a_container_floods(
    tmp_path: Path, import_image: Callable[[int], images.Image], flood: str
) -> None:
    """Nor behind an engine, which has all that output to carry."""
    way = ["--runtime", "docker", "--image", import_image(27).reference]
    assert interrupted_in(tmp_path, way, flood) < in_time(INTERRUPT_S)

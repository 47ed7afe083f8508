"""`beamproof verify`, as a user runs it: real VMs, real files, real signals."""

from __future__ import annotations

import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.errors import ExitCode
from harness.run.file import read_run
from harness.run.model import Outcome
from tests.support.busy import in_time

pytestmark = pytest.mark.live

SKILLS = Path(__file__).parents[2] / "skills"
INTERRUPT_S = 2.0
"""What the product promises: Ctrl-C ends nodes and containers within this time."""


@pytest.fixture
def beamproof(tmp_path: Path, way: list[str]) -> Beamproof:
    """Return the command, run in an empty folder on the releases of this machine."""
    return Beamproof(tmp_path, way)


class Beamproof:
    """Run `beamproof verify` in a folder of its own."""

    def __init__(self, folder: Path, way: list[str]) -> None:
        self.runs = folder / "runs"
        self._folder = folder
        self._way = way

    def command(self, skill: str, *options: str) -> list[str]:
        """Return the whole command line."""
        root = SKILLS / skill
        folders = {
            "--claims": root / "claims",
            "--probes": root / "erlang_probes",
            "--runs": self.runs,
        }
        own = [
            word for name, path in folders.items() if name not in options for word in (name, path)
        ]
        command = [sys.executable, "-m", "harness", "verify", *map(str, own)]
        return [*command, *self._way, *options]

    def start(self, skill: str, *options: str) -> subprocess.Popen[str]:
        """Start the command."""
        return subprocess.Popen(
            self.command(skill, *options),
            cwd=self._folder,
            env={**os.environ, "CI": "", "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, skill: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        with self.start(skill, *options) as process:
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    @property
    def run_file(self) -> Path:
        """Return the one run that was made."""
        (path,) = self.runs.glob("*.jsonl")
        return path


def vms() -> set[int]:
    """Return the process ids of all VMs of this machine."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/comm"):
        try:
            if entry.read_text().startswith("beam"):
                found.add(int(entry.parent.name))
        except OSError:
            continue
    return found


def children_of(pid: int) -> set[int]:
    """Return the ids of the VMs that descend from a process."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.parent.name)] = int(fields[1])
    found = set()
    for vm in vms():
        ancestor = vm
        while ancestor > 1:
            if ancestor == pid:
                found.add(vm)
                break
            ancestor = parents.get(ancestor, 0)
    return found


def test_a_skill_of_ones_own_is_proven(beamproof: Beamproof) -> None:
    """A claims folder outside the product, with its own probes, needs nothing else."""
    done = beamproof("our-maps", "--otp", "25,27")
    assert done.returncode == ExitCode.CONFIRMED, done.stdout + done.stderr
    assert "4 confirmed" in done.stdout
    run = read_run(beamproof.run_file)
    assert run.complete
    assert [record.build.otp_release for record in run.header.runtimes if record.build] == [25, 27]


def test_every_misbehaviour_is_said_and_harms_no_other_cell(beamproof: Beamproof) -> None:
    """What crashes, hangs or kills its node is inconclusive; the rest goes on."""
    done = beamproof("misbehaving", "--otp", "27", "--claim", "[!s]*", "--claim", "s[et]*")
    assert done.returncode == ExitCode.REFUTED
    out = " ".join(done.stdout.split())
    for said in (
        "the probe crashed: error: badarith",
        "the probe could not set up its measurement: error: {setup,no_such_device}",
        "the probe did not answer in time",
        "the node died during the call",
        "the probe returned something that is not evidence",
        "answer_count: predicted 42, found 41",
        "log: a line of the probe",
        'the evidence fits the rival as well: "The answer is 42."',
        "other_count: the evidence has no such key",
        "misbehaving/leaves-a-process@otp27 left behind: process",
        "skipped on otp27: 1 claim about other releases, as they say (-v: each)",
        "again: beamproof verify misbehaving --claim refuted --otp 27",
        "3 confirmed, 1 refuted, 8 inconclusive, 1 skipped",
    ):
        assert said in out, said


def test_a_node_is_replaced_after_a_leftover(beamproof: Beamproof) -> None:
    """The cell after one that left something behind has another node."""
    beamproof(
        "misbehaving", "--otp", "27", "--claim", "leaves-*", "--claim", "refuted", "--jobs", "1"
    )
    first, second = read_run(beamproof.run_file).observations
    assert first.samples[0].leftovers
    assert first.samples[0].node != second.samples[0].node


def test_the_plan_runs_nothing(beamproof: Beamproof) -> None:
    """--plan prints the cells and what is left out, also as JSON, and stores no run."""
    done = beamproof("misbehaving", "--otp", "27", "--plan", "--json", "--claim", "*fine")
    plan = json.loads(done.stdout)
    assert [row["cell"] for row in plan["cells"]] == [
        "misbehaving/fine@otp27",
        "misbehaving/still-fine@otp27",
    ]
    text = beamproof("misbehaving", "--otp", "27", "--plan", "--claim", "not-*", "--claim", "fine")
    assert "misbehaving/not-on-this-release@otp27  misbehaving:refuted  boundary" in text.stdout
    assert not beamproof.runs.exists()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_keeps_what_was_observed_and_ends_every_vm(
    beamproof: Beamproof, sent: signal.Signals
) -> None:
    """Ctrl-C ends nodes in time, exits as the signal says, and the run can be resumed."""
    with beamproof.start(
        "misbehaving", "-v", "--otp", "27", "--claim", "fine", "--claim", "slow"
    ) as run:
        assert run.stdout is not None
        assert "misbehaving/fine@otp27" in run.stdout.readline()
        nodes = children_of(run.pid)
        start = time.monotonic()
        run.send_signal(sent)
        out, err = run.communicate(timeout=30)
        took_s = time.monotonic() - start
    assert run.returncode == 128 + sent
    assert took_s < in_time(INTERRUPT_S)
    assert nodes
    deadline = start + in_time(INTERRUPT_S)
    while nodes & vms() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not nodes & vms()
    assert f"--resume {beamproof.run_file}" in err
    assert "1 confirmed" in out
    stored = read_run(beamproof.run_file)
    assert stored.footer is not None
    assert stored.footer.outcome is Outcome.INTERRUPTED
    assert [cell.claim for cell in stored.by_cell] == ["fine"]


def test_an_interrupted_run_goes_on_where_it_stopped(beamproof: Beamproof) -> None:
    """--resume runs only the cells that are missing, into the same file."""
    first = beamproof(
        "misbehaving",
        "--otp",
        "27",
        "--claim",
        "refuted",
        "--claim",
        "*fine",
        "--fail-fast",
        "--jobs",
        "1",
    )
    assert first.returncode == ExitCode.REFUTED
    before = read_run(beamproof.run_file)
    assert [cell.claim for cell in before.by_cell] == ["fine", "refuted"]
    assert not before.complete
    second = beamproof("misbehaving", "--resume", "latest")
    after = read_run(beamproof.run_file)
    assert after.complete, second.stderr
    assert [cell.claim for cell in after.by_cell] == ["fine", "refuted", "still-fine"]
    assert after.observations[0] == before.observations[0]


def test_failed_repeats_just_what_was_not_confirmed(beamproof: Beamproof) -> None:
    """--failed reads the last run."""
    beamproof("misbehaving", "--otp", "27", "--claim", "refuted", "--claim", "fine")
    done = beamproof("misbehaving", "--failed", "--otp", "27", "--plan")
    assert "misbehaving/refuted@otp27" in done.stdout
    assert "1 cells" in done.stdout


def test_repetition_keeps_every_sample(beamproof: Beamproof) -> None:
    """--repeat stores as many samples as asked."""
    beamproof("misbehaving", "--otp", "27", "--claim", "fine", "--repeat", "7")
    (observation,) = read_run(beamproof.run_file).observations
    assert len(observation.samples) == 7


def test_a_seed_shuffles_and_is_recorded(beamproof: Beamproof) -> None:
    """The order of a shuffled run can be had again."""
    done = beamproof("our-maps", "--otp", "27", "--seed", "3")
    assert done.returncode == ExitCode.CONFIRMED
    assert read_run(beamproof.run_file).header.seed == 3


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--otp", "x"], ExitCode.BAD_INPUT, "write releases as 25,27 or 24-27"),
        (["--claim", "fien"], ExitCode.NOTHING_SELECTED, 'did you mean "fine"?'),
        (["--runtime", "moon"], ExitCode.BAD_INPUT, "'moon' is not one of"),
        (["--resume", "nowhere.jsonl"], ExitCode.BAD_INPUT, "nowhere.jsonl"),
        (["--failed"], ExitCode.BAD_INPUT, "there is no run in"),
        (["no-such-skill"], ExitCode.BAD_INPUT, 'there is no skill "no-such-skill"'),
        (["--otp", "24", "--runtime", "debian", "--strict"], ExitCode.RUNTIME_MISSING, "OTP 24"),
        (["--otp", "24", "--runtime", "debian"], ExitCode.RUNTIME_MISSING, "OTP 24"),
        (["--jobs", "0"], ExitCode.BAD_INPUT, "--jobs"),
        (["--claims", "/nowhere"], ExitCode.BAD_INPUT, "/nowhere"),
    ],
)
def test_bad_input_is_answered_with_its_exit_code(
    tmp_path: Path, options: list[str], code: ExitCode, said: str
) -> None:
    """The message says what is wrong and what to do next."""
    root = SKILLS / "misbehaving"
    claims = [] if "--claims" in options else ["--claims", str(root / "claims")]
    folders = [*claims, "--probes", str(root / "erlang_probes"), "--runs", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "harness", "verify", *folders, *options],
        env={**os.environ, "CI": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert said in done.stderr


def test_a_full_disk_keeps_what_was_observed_and_ends_in_good_order(beamproof: Beamproof) -> None:
    """A run file that cannot grow any more ends the run with a message, not a traceback."""
    options = ["--otp", "27", "--claim", "fine", "--claim", "hangs", "--claim", "refuted"]
    with beamproof.start("misbehaving", "--verbose", *options, "--jobs", "1") as process:
        assert process.stdout is not None
        assert "misbehaving/fine@otp27" in process.stdout.readline()
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, 1))
        _, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.FAILURE, err
    assert "Traceback" not in err
    assert f"cannot write to {beamproof.run_file}" in err
    assert f"--resume {beamproof.run_file}" in err
    stored = read_run(beamproof.run_file)
    assert not stored.complete
    assert [cell.claim for cell in stored.by_cell] == ["fine"]


def test_a_runtime_that_vanishes_costs_its_own_cells_only(
    tmp_path: Path, erls: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A VM that does not start any more is said, with exit code 5; the other release goes on."""
    monkeypatch.setenv("BEAMPROOF_CACHE", str(tmp_path / "cache"))  # the install is thrown away
    erl = tmp_path / "root" / "bin" / "erl"
    erl.parent.mkdir(parents=True)
    erl.write_text(f'#!/bin/sh\nexec {shlex.quote(str(erls[27]))} "$@"\n')
    erl.chmod(0o755)
    roots = (tmp_path / "root", erls[25].parent.parent)
    way = ["--runtime", "host", *(word for root in roots for word in ("--otp-root", str(root)))]
    beamproof = Beamproof(tmp_path, way)
    names = ["fine", "hangs", "refuted"]
    claims = [word for name in names for word in ("--claim", name)]
    options = ["--otp", "25,27", "--jobs", "2", *claims]
    with beamproof.start("misbehaving", "--verbose", *options) as process:
        assert process.stdout is not None
        assert any("misbehaving/fine@otp27" in line for line in process.stdout)
        erl.unlink()
        out, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.RUNTIME_MISSING, err
    assert "otp27 gives no node any more" in err
    stored = read_run(beamproof.run_file)
    cells = {f"misbehaving/{name}@{of}" for name in names for of in ("otp25", "otp27")}
    assert set(map(str, stored.by_cell)) == cells - {"misbehaving/refuted@otp27"}
    assert "misbehaving/refuted@otp25" in out
    assert stored.footer is not None
    assert stored.footer.outcome is Outcome.FAILED


def test_a_folder_that_cannot_be_written_is_said(beamproof: Beamproof, tmp_path: Path) -> None:
    """The message names the folder and the option for another."""
    (tmp_path / "file").write_text("a file")
    done = beamproof("our-maps", "--otp", "27", "--runs", str(tmp_path / "file" / "runs"))
    assert done.returncode == ExitCode.FAILURE
    assert "--runs DIR" in done.stderr

"""`beamproof verify --cluster`: a real scheduler, real workers, one of them killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from distributed import Client

from harness.errors import ExitCode
from harness.run.file import read_run
from harness.run.model import Run

pytestmark = pytest.mark.live

CLAIMS = 10
WAITS_MS = 400

CLAIM = """
[[claim]]
id = "waits-{number}"
probe = "waits"
args = {{ number = {number}, wait_ms = {wait_ms} }}
timing = {timing}
statement = "It waits."
sources = ["https://www.erlang.org/doc/apps/stdlib/timer.html"]
expect.waited_ms = {wait_ms}

[[claim.rival]]
statement = "It does not."
expect.waited_ms = 0
"""

PROBE = """\
%% Waits.
-module(acme_waits).

-export([waits/1]).

-spec waits(map()) -> map().
waits(#{wait_ms := WaitMs}) ->
    timer:sleep(WaitMs),
    #{waited_ms => WaitMs}.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with one skill, two of whose calls measure time."""
    (tmp_path / "claims").mkdir()
    (tmp_path / "erlang_probes").mkdir()
    claims = [
        CLAIM.format(number=number, wait_ms=WAITS_MS, timing=str(number < 2).lower())
        for number in range(CLAIMS)
    ]
    head = 'skill = "acme-waits"\ndescription = "What waits."\n'
    (tmp_path / "claims" / "acme-waits.toml").write_text(head + "".join(claims))
    (tmp_path / "erlang_probes" / "acme_waits.erl").write_text(PROBE)
    return tmp_path


class Cluster:
    """Be a scheduler with two workers, as they are started from a shell."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "scheduler.json"
        self._started: list[subprocess.Popen[bytes]] = []
        self._start("scheduler", "--scheduler-file", str(self._file), "--port", "0")
        until(self._file.exists)
        self.address = str(json.loads(self._file.read_text())["address"])
        self.workers: list[subprocess.Popen[bytes]] = []
        self.refresh()

    def refresh(self) -> None:
        """Have two workers that live and are known to the scheduler."""
        alive = [worker for worker in self.workers if worker.poll() is None]
        self.workers = [*alive, *(self._worker() for _ in range(2 - len(alive)))]
        with Client(self.address, set_as_default=False) as client:
            until(lambda: len(client.nthreads()) == 2)

    def _worker(self) -> subprocess.Popen[bytes]:
        single = ["--nthreads", "1", "--no-nanny"]
        return self._start("worker", "--scheduler-file", str(self._file), *single)

    def _start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard", *options]
        started = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self._started.append(started)
        return started

    def close(self) -> None:
        for started in reversed(self._started):
            started.kill()
            started.wait(10)


@pytest.fixture(scope="module")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    yield found
    found.close()


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Cluster:
    shared_cluster.refresh()
    return shared_cluster


def command(way: list[str], *options: str) -> list[str]:
    own = ["--claims", "claims", "--probes", "erlang_probes", "--runs", "runs", "--otp", "27"]
    return [sys.executable, "-m", "harness", "verify", *own, *way, *options]


def start(folder: Path, way: list[str], *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(way, *options),
        cwd=folder,
        env={**os.environ, "CI": "", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(holds: Callable[[], object], within_s: float = 60.0) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def the_run(folder: Path) -> Run:
    (path,) = (folder / "runs").glob("*.jsonl")
    return read_run(path)


def observed(folder: Path) -> int:
    files = list((folder / "runs").glob("*.jsonl"))
    return sum(path.read_text().count('"kind":"observation"') for path in files)


def vms(worker: subprocess.Popen[bytes]) -> list[psutil.Process]:
    children = psutil.Process(worker.pid).children(recursive=True)
    return [one for one in children if one.name() == "beam.smp"]


def test_every_worker_works_and_is_named(folder: Path, way: list[str], cluster: Cluster) -> None:
    """Probes travel with the run; each observation says who made it; no VM stays."""
    with start(folder, way, "--cluster", cluster.address) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == ExitCode.CONFIRMED, err
    assert f"{CLAIMS} confirmed" in out
    run = the_run(folder)
    made = Counter(seen.worker for seen in run.observations)
    assert len(made) == 2
    assert sum(made.values()) == CLAIMS
    assert all(str(worker).startswith("tcp://") for worker in made)
    assert any("on 2 workers" in note for note in run.header.runtimes[0].notes)
    for worker in cluster.workers:
        assert not vms(worker)


def test_a_worker_that_dies_loses_nothing(folder: Path, way: list[str], cluster: Cluster) -> None:
    """What it had in hand is done by the other, and the run says so."""
    with start(folder, way, "--cluster", cluster.address) as process:
        until(lambda: observed(folder) >= 2)
        cluster.workers[0].kill()
        _, err = process.communicate(timeout=120)
    assert process.returncode == ExitCode.CONFIRMED, err
    assert "is gone; what it had in hand is done by another" in err
    run = the_run(folder)
    assert sorted(seen.args["number"] for seen in run.observations) == list(range(CLAIMS))
    assert not vms(cluster.workers[1])


def test_without_any_worker_left_the_run_can_be_resumed(
    folder: Path, way: list[str], cluster: Cluster
) -> None:
    """What was observed is kept; the exit code says that a release is gone."""
    with start(folder, way, "--cluster", cluster.address) as process:
        until(lambda: observed(folder) >= 2)
        for worker in cluster.workers:
            worker.kill()
        _, err = process.communicate(timeout=120)
    assert process.returncode == ExitCode.RUNTIME_MISSING, err
    assert 2 <= len(the_run(folder).observations) < CLAIMS
    with start(folder, way, "--resume", "latest") as process:
        _, err = process.communicate(timeout=120)
    assert process.returncode == ExitCode.CONFIRMED, err
    run = the_run(folder)
    assert sorted(seen.args["number"] for seen in run.observations) == list(range(CLAIMS))


def test_ctrl_c_ends_what_runs_elsewhere(folder: Path, way: list[str], cluster: Cluster) -> None:
    """No VM stays on any worker, and the workers themselves do."""
    with start(folder, way, "--cluster", cluster.address) as process:
        until(lambda: observed(folder) >= 1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED, err
    assert "--resume" in err
    for worker in cluster.workers:
        assert worker.poll() is None
        until(lambda worker=worker: not vms(worker), 5)


def test_workers_of_this_machine(folder: Path, way: list[str]) -> None:
    """`local:2` starts two, for a try; they end with the run."""
    with start(folder, way, "--cluster", "local:2") as process:
        until(lambda: observed(folder) >= 1)
        children = psutil.Process(process.pid).children(recursive=True)
        out, err = process.communicate(timeout=120)
    assert process.returncode == ExitCode.CONFIRMED, err
    assert f"{CLAIMS} confirmed" in out
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        ("here", ExitCode.BAD_INPUT, '"here" is no address of a cluster'),
        ("local:0", ExitCode.BAD_INPUT, '"local:0" is no address of a cluster'),
        (
            "tcp://127.0.0.1:1",
            ExitCode.RUNTIME_MISSING,
            "no scheduler answers at tcp://127.0.0.1:1",
        ),
    ],
)
def test_what_is_no_cluster_is_told(
    folder: Path, way: list[str], address: str, code: ExitCode, words: str
) -> None:
    with start(folder, way, "--cluster", address) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert words in err
    assert not (folder / "runs").exists()

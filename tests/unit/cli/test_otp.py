"""The commands about VMs: their messages and exit codes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.runtime_fakes import FakeEngine, Installs

from harness.cli.main import run
from harness.system import processes

pytestmark = pytest.mark.usefixtures("own_surroundings")


def test_a_release_that_is_none_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt release is told with how to write it."""
    assert run(["otp", "install", "25", "twenty"]) == 4
    assert "write it like 27" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["install", "remove"])
def test_no_release_at_all_is_bad_input(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    """Nothing is installed or removed by accident."""
    assert run(["otp", verb]) == 4
    assert "RELEASES" in capsys.readouterr().err


def test_an_unknown_verb_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong verb says so."""
    assert run(["otp", "fetch", "27"]) == 4
    assert "fetch" in capsys.readouterr().err


def test_a_release_without_packages_cannot_be_installed(capsys: pytest.CaptureFixture[str]) -> None:
    """Debian's releases are listed, and the image is named as the way out."""
    assert run(["otp", "install", "25", "26"]) == 5
    told = capsys.readouterr().err
    assert "no packages of OTP 26 (there are of 23, 25, 27, 28, 29)" in told
    assert "erlang:26-slim" in told


def test_an_image_without_an_engine_cannot_be_installed(capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is fetched, the missing engine is told."""
    assert run(["otp", "install", "27", "--docker"]) == 5
    assert "an image needs a container engine" in capsys.readouterr().err


def test_installing_without_apt_says_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without apt is told of the other ways."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(["otp", "install", "27"]) == 5
    assert "there is no apt-get on this machine" in capsys.readouterr().err


def test_a_cache_that_cannot_be_written_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the variable that mends it."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BEAMPROOF_CACHE", str(tmp_path / "file"))
    assert run(["otp", "install", "27"]) == 6
    assert "BEAMPROOF_CACHE" in capsys.readouterr().err


def test_removing_what_is_not_there_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing to remove is no error."""
    assert run(["otp", "remove", "27"]) == 0
    assert "OTP 27: nothing was installed here" in capsys.readouterr().out


def test_an_interrupted_install_can_be_removed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A folder without a manifest goes, too."""
    folder = tmp_path / "cache" / "otp" / "debian-27"
    folder.mkdir(parents=True)
    assert run(["otp", "remove", "27"]) == 0
    assert "removed its tree" in capsys.readouterr().out
    assert not folder.exists()


def test_the_list_shows_every_release_and_way(
    capsys: pytest.CaptureFixture[str],
    installs: Installs,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """One line a release; what is here is marked."""
    monkeypatch.setenv("PATH", str(tmp_path))
    root = installs.make("a", 26, "26.2.1")
    assert run(["otp", "list", "--otp-root", str(root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["OTP", "docker", "host", "debian", "wheel"]
    (line,) = [line for line in lines if line.startswith("26")]
    assert f"✔ 26.2.1 in {root}" in line


def test_the_list_is_also_json(
    capsys: pytest.CaptureFixture[str],
    fake_engine: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Machines read the same list."""
    monkeypatch.setenv("PATH", str(tmp_path))
    fake_engine.images["beamproof/otp:27"] = {"Id": "sha256:1"}
    assert run(["otp", "list", "--json"]) == 0
    rows = {row["release"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows[27]["offers"][0] == {
        "way": "docker",
        "stock": "here",
        "what": "beamproof/otp:27",
    }
    assert rows[23]["in_range"] is False


def test_a_wrong_folder_is_bad_input(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """`--otp-root` without an `erl` in it is the user's mistake."""
    assert run(["otp", "list", "--otp-root", str(tmp_path)]) == 4
    assert "has no bin/erl" in capsys.readouterr().err


def test_an_image_without_an_engine_cannot_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """The image cannot be looked at."""
    assert run(["otp", "list", "--image", "mine:1"]) == 5
    assert "no container engine" in capsys.readouterr().err


def test_the_doctor_fails_where_nothing_can_be_proven(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without engine, apt and installs the exit code says so, and each line has its remedy."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(["doctor"]) == 5
    told = capsys.readouterr().out
    assert "✘ releases" in told
    assert "no container engine is running here" in told
    assert "sudo apt-get install gcc libc6-dev" in told
    assert "correct DOCKER_HOST" in told


def test_the_doctor_passes_where_one_release_can_be_had(
    capsys: pytest.CaptureFixture[str],
    installs: Installs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One install is enough."""
    monkeypatch.setenv("BEAMPROOF_OTP_ROOTS", str(installs.make("a", 27)))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    assert run(["doctor"]) == 0
    assert "OTP" in capsys.readouterr().out


def test_the_doctor_names_a_cache_that_cannot_be_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache below a file is missing."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BEAMPROOF_CACHE", str(tmp_path / "file"))
    assert run(["doctor"]) == 5
    assert "✘ cache" in capsys.readouterr().out


Crash = tuple[subprocess.Popen[bytes], tuple[Path, ...], Path]


@pytest.fixture
def crashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crash]:
    """Return what a crashed run left: a process, a peer's folder, an install's folder."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    gone = subprocess.run(
        [sys.executable, "-c", "from harness.system import processes; print(processes.own())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    mark = f"BEAMPROOF_TEST_{os.getpid()}"  # sweeps of others here do not meet it, nor this theirs
    monkeypatch.setattr(processes, "MARK_VARIABLE", mark)
    process = subprocess.Popen(
        ["sleep", "60"], env={**os.environ, processes.MARK_VARIABLE: f"{gone}/vm/"}
    )
    peer = temporary / f"probe_peer-{gone.split(':')[1]}-1"
    vm = temporary / "beamproof-vm-abc"
    young = temporary / "beamproof-vm-young"
    install = tmp_path / "cache" / "otp" / ".tmp-27-xyz"
    for folder in (peer, vm, young, install):
        folder.mkdir(parents=True)
    os.utime(vm, (1, 1))
    yield process, (peer, vm, install), young
    process.kill()
    process.wait()


def test_a_dry_sweep_tells_and_removes_nothing(
    capsys: pytest.CaptureFixture[str], crashed: Crash
) -> None:
    """What would be removed can be seen first."""
    process, folders, young = crashed
    assert run(["sweep", "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert f"would remove process {process.pid}" in told
    assert all(f"would remove folder {folder}" in told for folder in folders)
    assert str(young) not in told
    assert process.poll() is None
    assert all(folder.exists() for folder in folders)


def test_a_sweep_removes_what_a_crash_left(
    capsys: pytest.CaptureFixture[str], crashed: Crash
) -> None:
    """Processes and folders of ended runs go; a folder just made stays."""
    process, folders, young = crashed
    assert run(["sweep"]) == 0
    assert process.wait(5) == -9
    assert not any(folder.exists() for folder in folders)
    assert young.exists()
    capsys.readouterr()
    assert run(["sweep"]) == 0
    assert "nothing was left behind" in capsys.readouterr().out

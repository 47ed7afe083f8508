"""The plugin as a guest in other people's sessions; no VM is started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.pytest_plugin import is_claim_file


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", ".", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    "content",
    [
        b'name = "M\xfcller"\n',
        'skill = "x"\n[[claim]]\n'.encode("utf-16"),
        b'[hero]\nskill = "sword"\n',
        b"[hero]\nskill = 7\n[[claim]]\n",
        b'skill = "sword"\n[hero]\n',
        b'skill = "sword"\n',
        b"skill = 7\n[[claim]]\n",
        b"",
        b"\0" * 10_000,
        b"x" * 1_000_000,
    ],
)
def test_other_peoples_toml_is_let_be(tmp_path: Path, content: bytes) -> None:
    """No encoding, no key and no size of a file that is not ours is an error."""
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    assert not is_claim_file(path)


def test_a_file_that_cannot_be_read_is_let_be(tmp_path: Path) -> None:
    """Neither a folder named so nor a dangling link raises."""
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "link.toml").symlink_to("nowhere")
    assert not is_claim_file(tmp_path / "folder.toml")
    assert not is_claim_file(tmp_path / "link.toml")


@pytest.mark.parametrize(
    "content",
    [
        'skill = "our-maps"\ndescription = "x"\n\n[[claim]]\nid = "a"\n',
        "# ours\ndescription = '[x]'\nskill = 'our-maps'  # so\n [[ untestable ]]\n",
    ],
)
def test_a_claim_file_is_ours(tmp_path: Path, content: str) -> None:
    """It names its skill and then opens with a claim."""
    path = tmp_path / "x.toml"
    path.write_text(content, encoding="utf-8")
    assert is_claim_file(path)


def test_options_of_others_do_not_meet_ours(tmp_path: Path) -> None:
    """A project may have `--image`, `--otp` and `--probes` of its own."""
    (tmp_path / "conftest.py").write_text(
        "def pytest_addoption(parser):\n"
        "    for name in ('--image', '--otp', '--probes', '--runtime', '--otp-root'):\n"
        "        parser.addoption(name)\n"
    )
    (tmp_path / "test_ok.py").write_text("def test_ok(request):\n    assert True\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.toml").write_bytes(b'name = "M\xfcller"\n')
    done = run_pytest(tmp_path, "--image", "picture.png", ".")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_short_options_are_for_folders_that_ask_for_them(tmp_path: Path) -> None:
    """A folder of claims need not type the prefix."""
    assert run_pytest(tmp_path, "--otp", "25").returncode == pytest.ExitCode.USAGE_ERROR
    (tmp_path / "pytest.ini").write_text("[pytest]\nbeamproof_short_options = true\n")
    done = run_pytest(tmp_path, "--otp", "25", "--otp", "x")
    assert "'x' is no release" in done.stderr
    assert run_pytest(tmp_path, "--otp", "25").returncode == pytest.ExitCode.NO_TESTS_COLLECTED

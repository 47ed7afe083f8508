"""`beamproof compile`: each release's own compiler, warnings as errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import ExitCode

pytestmark = pytest.mark.live


def compile_probes(folder: Path, way: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "harness",
            "compile",
            "--probes",
            str(folder),
            "--otp",
            "25,27",
            *way,
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_warning_is_an_error_that_names_module_line_and_release(
    tmp_path: Path, way: list[str]
) -> None:
    """A probe that compiles with a warning is refused, on each release by itself."""
    (tmp_path / "fine.erl").write_text("-module(fine).\n-export([p/1]).\np(#{}) -> #{}.\n")
    (tmp_path / "warned.erl").write_text(
        "-module(warned).\n-export([p/1]).\np(#{}) ->\n    Unused = 1,\n    #{}.\n"
    )
    done = compile_probes(tmp_path, way)
    assert done.returncode == ExitCode.BAD_INPUT
    assert "otp25: 1 of 2 modules compiled, 1 refused" in done.stdout
    assert "otp27: 1 of 2 modules compiled, 1 refused" in done.stdout
    assert "warned.erl:4" in done.stderr
    assert "'Unused' is unused" in done.stderr


def test_modules_without_a_warning_pass(tmp_path: Path, way: list[str]) -> None:
    """Nothing to say is exit code 0."""
    (tmp_path / "fine.erl").write_text("-module(fine).\n-export([p/1]).\np(#{}) -> #{}.\n")
    assert compile_probes(tmp_path, way).returncode == ExitCode.CONFIRMED


def test_what_does_not_fit_together_is_refused(tmp_path: Path, way: list[str]) -> None:
    """A call of what is nowhere, and an export that nobody calls; but not probes and callbacks."""
    (tmp_path / "our.erl").write_text(
        "-module(our).\n-export([p/1]).\np(#{}) -> our_help:there(), spawn(our_help, named, []),\n"
        "    our_help:not_there(), #{}.\n"
    )
    (tmp_path / "our_help.erl").write_text(
        "-module(our_help).\n-export([there/0, named/0, idle/0, explained/0, init/1]).\n"
        "-ignore_xref([{explained, 0}]).\n"
        "there() -> ok.\nnamed() -> ok.\nidle() -> ok.\nexplained() -> idle().\ninit(X) -> X.\n"
    )
    done = compile_probes(tmp_path, way)
    assert done.returncode == ExitCode.BAD_INPUT
    assert done.stderr.splitlines() == [
        "✘ our:p/1 calls our_help:not_there/0, which is nowhere",
        "✘ our_help:idle/0 is exported and nobody calls it",
    ]


def test_nothing_to_compile_on_is_said_and_no_defect(tmp_path: Path, way: list[str]) -> None:
    """Where no release is to be had there is no VM to ask what calls what."""
    (tmp_path / "fine.erl").write_text("-module(fine).\n-export([p/1]).\np(#{}) -> #{}.\n")
    command = [sys.executable, "-m", "harness", "compile", "--probes", str(tmp_path)]
    done = subprocess.run(
        [*command, "--otp", "24", "--no-strict", *way], capture_output=True, text=True, check=False
    )
    assert done.returncode == ExitCode.CONFIRMED, done.stderr
    assert done.stdout.startswith("- OTP 24 skipped: ")

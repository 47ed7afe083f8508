"""`beamproof since` on live VMs: where an answer changes, what is written, what cannot be told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from support.patch_releases import dressed

from harness.errors import ExitCode

pytestmark = pytest.mark.live

SKILL = Path(__file__).parents[2] / "skills" / "our-maps"
PATCHES = ("27.0", "27.1", "27.3.4.9", "27.3.4.10", "27.3.4.11")

PROBE = """
-module(patches).
-export([new_enough/1]).

-spec new_enough(map()) -> map().
new_enough(#{}) ->
    {ok, Text} = file:read_file(filename:join([code:root_dir(), "releases", "27", "OTP_VERSION"])),
    Parts = binary:split(string:trim(Text), <<".">>, [global]),
    Version = [binary_to_integer(Part) || Part <- Parts],
    #{new_enough => Version >= [27, 3, 4, 10]}.
"""

CLAIM = """\
skill = "patches"
description = "What one patch release brought."

[[claim]]
id = "new-enough"
statement = "It is new enough."  # since when?
sources = ["https://www.erlang.org/doc/"]
expect.new_enough = true

[[claim.rival]]
statement = "It is not."
expect.new_enough = false
"""

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def patches(erls: dict[int, Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return installs that are one OTP under several versions."""
    folder = tmp_path_factory.mktemp("patches")
    return [dressed(erls[27], version, folder) for version in PATCHES]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with claims and probes that may be written to."""
    shutil.copytree(SKILL, tmp_path, dirs_exist_ok=True)
    (tmp_path / "claims" / "patches.toml").write_text(CLAIM)
    (tmp_path / "erlang_probes" / "patches.erl").write_text(PROBE)
    return tmp_path


@pytest.fixture
def since(erls: dict[int, Path], project: Path) -> Command:
    """Return the command on the releases of this machine, or on installs of one's own."""

    def run(*words: str, roots: list[Path] | None = None) -> subprocess.CompletedProcess[str]:
        folders = roots or [erl.parent.parent for erl in erls.values()]
        named = [word for root in folders for word in ("--otp-root", str(root))]
        claims = ["--claims", str(project / "claims"), "--probes", str(project / "erlang_probes")]
        command = [sys.executable, "-m", "harness", "since", *words, *named, *claims]
        command += ["--runtime", "host"]
        environment = {key: value for key, value in os.environ.items() if "OTP_ROOTS" not in key}
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    return run


def test_a_change_of_an_expression_is_found(since: Command) -> None:
    """Between the neighbours that answer otherwise."""
    done = since("0.0 =:= -0.0", "--otp", "25,27", "--repeat", "1", "--json")
    assert done.returncode == ExitCode.CONFIRMED, done.stderr
    found = json.loads(done.stdout)
    (change,) = found["changes"]
    assert (change["last"][:2], change["first"][:2]) == ("25", "27")
    assert change["differs"] == [{"path": "", "old": "true", "new": "false"}]
    assert change["absent"] == [26]
    assert [step["agreed"] for step in found["steps"]] == [2, 2]


def test_a_change_of_a_claim_is_found_and_written(since: Command, project: Path) -> None:
    """The claim as it stands says so already, as a table: without that, the range is written."""
    file = project / "claims" / "our-maps.toml"
    before = file.read_text()
    at = before.index("[[claim.when]]")
    file.write_text(before[:at] + before[before.index("[[claim.rival]]", at) :])
    done = since("our-maps/atom-keys", "--otp", "25,27", "--repeat", "1", "--write", "otp")
    assert done.returncode == ExitCode.CONFIRMED, done.stderr
    assert "atoms_in_term_order: true  ->  false" in done.stdout
    claims = {one["id"]: one for one in tomllib.loads(file.read_text())["claim"]}
    assert claims["atom-keys"]["otp"] == "<27"


def test_patch_releases_are_searched_by_bisection(
    since: Command, patches: list[Path], project: Path
) -> None:
    """By version and not by text; few are asked, the file keeps its comment."""
    words = ["patches/new-enough", "--otp", "27.*", "--repeat", "1"]
    done = since(*words, "--write", "otp", roots=patches)
    assert done.returncode == ExitCode.CONFIRMED, done.stderr
    assert "changed between 27.3.4.9 and 27.3.4.10" in done.stdout
    assert "not asked, as their neighbours answer alike: 27.1" in done.stdout
    written = (project / "claims" / "patches.toml").read_text()
    assert written == CLAIM.replace('"new-enough"\n', '"new-enough"\notp = ">=27.3.4.10"\n')


def test_equal_ends_decide_nothing_until_all_are_asked(since: Command, patches: list[Path]) -> None:
    """Two changes may hide between them, and it says so."""
    done = since("self()", "--otp", "27.*", "--repeat", "1", roots=patches[:3])
    assert done.returncode == ExitCode.INCONCLUSIVE, done.stderr
    assert "the same on 27.0 and 27.3.4.9" in done.stdout
    assert "two changes may hide between equal answers: --all asks every release" in done.stdout
    done = since("self()", "--otp", "27.*", "--repeat", "1", "--all", roots=patches[:3])
    assert done.returncode == ExitCode.CONFIRMED, done.stderr
    assert "the same on 27.0, 27.1 and 27.3.4.9" in done.stdout


def test_an_expression_that_ends_the_vm_is_an_answer(since: Command) -> None:
    """The same on both ends, and each VM was another one."""
    done = since("erlang:halt(3)", "--otp", "25,27", "--repeat", "2")
    assert done.returncode == ExitCode.CONFIRMED, done.stderr
    assert done.stdout.count("exit status 3") == 2
    assert "0 changes" in done.stdout


def test_an_endless_expression_has_its_deadline(since: Command) -> None:
    """It is an answer like any other."""
    words = ["receive after infinity -> ok end", "--otp", "25,27", "--repeat", "1"]
    done = since(*words, "--timeout", "0.3")
    assert done.returncode == ExitCode.CONFIRMED, done.stderr
    assert "no answer in time" in done.stdout


def test_what_no_release_can_read_is_bad_input(since: Command) -> None:
    """With what the compiler says."""
    done = since("foo bar", "--otp", "25,27", "--repeat", "1")
    assert done.returncode == ExitCode.BAD_INPUT
    assert "no release can evaluate that: 1:5: syntax error" in done.stderr

"""Help and completion: every verb shows how it is called, and the shell knows what can be named."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from harness.cli.main import cli, run

TOP = click.Context(cli, info_name="beamproof")
VERBS = cli.list_commands(TOP)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_examples_that_can_be_typed(verb: str) -> None:
    command = cli.get_command(TOP, verb)
    assert command is not None
    title, _, lines = (command.epilog or "").partition("Examples:\n")
    assert title == "\b\n", f"{verb} has no examples"
    typed = [shlex.split(line)[1:] for line in lines.splitlines() if "eval " not in line]
    assert typed
    for words in typed:
        words = words[: words.index(">")] if ">" in words else words  # noqa: PLW2901
        assert words[0] == verb
        command.make_context(verb, words[1:], parent=TOP)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "acme-timers.toml").write_text('[[claim]]\nid = "late"\n')
    (tmp_path / "claims" / "acme-tables.toml").write_text('[[claim]]\nid = "large"\n')
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "20260101T000000-aaaa.jsonl").write_text("{}\n")
    monkeypatch.setenv("BEAMPROOF_CLAIMS", str(tmp_path / "claims"))
    monkeypatch.setenv("BEAMPROOF_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("ver|", ["verify"]),
        ("verify acme-t|", ["acme-tables", "acme-timers"]),
        ("show acme|", ["acme-tables/", "acme-timers/"]),
        ("show acme-timers/|", ["acme-timers/late"]),
        ("show la|", ["large", "late"]),
        ("show nobody/|", []),
        ("verify --claim acme-ta|", ["acme-tables/"]),
        ("verify --otp 25,2|", ["25,23", "25,24", "25,25", "25,26", "25,27", "25,28", "25,29"]),
        ("otp install 25 27|", ["27"]),
        ("judge |", ["latest", "20260101T000000-aaaa"]),
        ("judge runs/|", ["runs/20260101T000000-aaaa.jsonl"]),
        ("judge nowhere/|", []),
        ("verify --runtime d|", ["docker", "debian"]),
        ("completion |", ["bash", "zsh", "fish"]),
    ],
)
@pytest.mark.usefixtures("folder")
def test_names_are_completed(typed: str, offered: list[str]) -> None:
    *words, last = typed.removesuffix("|").split(" ")
    shell = ShellComplete(cli, {}, "beamproof", "_BEAMPROOF_COMPLETE")
    assert [item.value for item in shell.get_completions(words, last)] == offered


def test_a_broken_claim_file_completes_nothing(folder: Path) -> None:
    (folder / "claims" / "acme-timers.toml").write_text("id = ")
    shell = ShellComplete(cli, {}, "beamproof", "_BEAMPROOF_COMPLETE")
    assert shell.get_completions(["show"], "acme-timers/") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_calls_back(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    assert f"_BEAMPROOF_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_an_unknown_shell_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert run(["completion"]) == 4
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_bash_completes_for_real(tmp_path: Path) -> None:
    """The script is sourced by bash itself, and asks the installed command."""
    script = """
        eval "$(beamproof completion bash)"
        COMP_WORDS=(beamproof show acme-timers/) COMP_CWORD=2
        _beamproof_completion beamproof
        echo "${COMPREPLY[@]}"
    """
    bins = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "PATH": bins},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "acme-timers/late", done.stderr

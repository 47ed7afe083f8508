"""Bad input of `beamproof since`: its message and exit code, before any VM starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.runtime_fakes import Installs

from harness.cli.main import run
from harness.errors import ExitCode

CLAIMS = Path(__file__).parents[2] / "skills" / "our-maps" / "claims"
PROBES = CLAIMS.parent / "erlang_probes"

pytestmark = pytest.mark.usefixtures("own_surroundings")


def since(*words: str) -> int:
    return run(["since", *words, "--claims", str(CLAIMS), "--probes", str(PROBES)])


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["our-maps/gone", "--otp", "25,27"], ExitCode.BAD_INPUT, 'no claim "our-maps/gone"'),
        (["our-maps", "--otp", "25,27"], ExitCode.BAD_INPUT, '"our-maps" is a skill'),
        (["wordsize", "--otp", "25,27"], ExitCode.BAD_INPUT, "beamproof since 'wordsize.'"),
        (["node()", "--write", "otp", "--otp", "25,27"], ExitCode.BAD_INPUT, "--write is for"),
        (["node()", "--write", "all"], ExitCode.BAD_INPUT, "'all' is not one of"),
        (["node()", "--repeat", "0"], ExitCode.BAD_INPUT, "0 is not in the range"),
        (["node()", "--otp", "27.x"], ExitCode.BAD_INPUT, "'27.x' is no release"),
        (["\udcff"], ExitCode.BAD_INPUT, "the expression is not UTF-8"),
        ([""], ExitCode.BAD_INPUT, "there is no expression"),
        (["atom-keys", "--otp", "27"], ExitCode.NOTHING_SELECTED, "nothing to search: 1 release"),
        (["node()", "--runtime", "host"], ExitCode.NOTHING_SELECTED, "nothing to search: 0"),
    ],
)
def test_bad_input_is_answered_with_its_exit_code(
    words: list[str], code: ExitCode, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong, and what would be right."""
    assert since(*words) == code
    assert message in capsys.readouterr().err


def test_releases_of_which_none_is_had_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its reason."""
    assert since("node()", "--otp", "24,26", "--runtime", "host") == ExitCode.RUNTIME_MISSING
    said = capsys.readouterr().err
    assert "too few releases answer" in said
    assert "26: host: no OTP 26 is installed here" in said


def test_what_is_no_vm_after_all_is_a_point_without_an_answer(
    installs: Installs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says which it is, and never starts."""
    roots = [installs.make(version, 27, version) for version in ("27.0", "27.1")]
    monkeypatch.setenv("BEAMPROOF_OTP_ROOTS", ":".join(map(str, roots)))
    assert since("node()", "--otp", "27.*") == ExitCode.RUNTIME_MISSING
    shown = capsys.readouterr()
    assert "2 to choose from: 27.0, 27.1" in shown.out
    assert "27.1: host:" in shown.err

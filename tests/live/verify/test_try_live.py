"""`beamproof try`, as a user runs it: real VMs of two releases, real signals."""

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

from harness.cli.main import run
from harness.errors import ExitCode
from tests.support.busy import in_time

pytestmark = pytest.mark.live

INTERRUPT_S = 2.0


@pytest.fixture
def try_it(way: list[str], capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Return the command on the releases of this machine: its exit code and what it printed."""

    def call(*arguments: str, both: bool = True) -> tuple[int, str]:
        otp = "25,27" if both else "27"
        code = run(["try", *arguments, "--otp", otp, *way])
        out, err = capsys.readouterr()
        return code, out + err

    return call


def test_equal_answers_are_one_line(try_it: Callable[..., tuple[int, str]]) -> None:
    """Expressions in order, variables kept; what differs and what only passes are told apart."""
    code, shown = try_it(
        "X = erlang:system_info(wordsize). X * 2.",
        "erlang:system_info(otp_release)",
        "{self(), make_ref()}",
        'io:format("said~n"), binary_to_atom(X)',
        "element(1, timer:tc(lists, seq, [1, 100000]))",
    )
    assert code == ExitCode.CONFIRMED
    asked = dict(part.split("\n", 1) for part in ("\n" + shown).split("\n> ")[1:])
    assert asked["X = erlang:system_info(wordsize)"] == "25, 27: 8"
    assert asked["X * 2"] == "25, 27: 16"
    assert asked["erlang:system_info(otp_release)"] == '25: "25"\n27: "27"'
    apart = asked["{self(), make_ref()}"].splitlines()
    assert apart[0].startswith("25, 27: {<0.")
    assert apart[1] == "    apart from pids, references; this is what 27 said"
    assert asked['io:format("said~n"), binary_to_atom(X)'].splitlines() == [
        "25, 27: raised error:badarg",
        "    argument 1: not a binary",
        "    in erlang:binary_to_atom(8)",
        "  | said",
    ]
    assert asked["element(1, timer:tc(lists, seq, [1, 100000]))"].startswith("25, 27: ")


def test_a_module_is_compiled_on_every_release(
    tmp_path: Path, try_it: Callable[..., tuple[int, str]]
) -> None:
    """Its warnings stand with it, its main is called; what no release compiles is bad input."""
    file = tmp_path / "tally.erl"
    file.write_text("-module(tally).\n-export([main/1]).\nmain([]) -> X = 1, length([a, b]).\n")
    code, shown = try_it("--file", str(file))
    assert code == ExitCode.CONFIRMED
    assert shown == (
        "> tally.erl\n25, 27: compiled and loaded\n"
        "    warning tally.erl:3:13: variable 'X' is unused\n> tally:main([])\n25, 27: 2\n"
    )
    file.write_text("-module(tally).\n-export([main/1]).\nmain([]) -> .\n")
    code, shown = try_it("--file", str(file), "tally:main([])")
    assert code == ExitCode.BAD_INPUT
    assert shown.startswith("> tally.erl\n25, 27: tally.erl:3:13: syntax error before: '.'\n")
    file.write_text("-module(lists).\n-export([main/1]).\nmain([]) -> 1.\n")
    code, shown = try_it("--file", str(file), both=False)
    assert code == ExitCode.BAD_INPUT
    assert "27: the VM does not load it: " in shown
    assert "sticky" in shown


BAD = [
    (("1 +\n )",), ExitCode.BAD_INPUT, "27: 2:2: syntax error before: ')'\n"),
    (("receive after infinity -> x end", "--timeout", "0.3"), ExitCode.INCONCLUSIVE,
     "27: no answer within 0.3 s (--timeout)\n"),
    (("halt(3)", "1"), ExitCode.INCONCLUSIVE,
     "27: the VM ended (exit status 3; no answer)\n> 1\n27: not asked: its VM has ended\n"),
    (("1", "--flags", "+bogus"), ExitCode.BAD_INPUT,
     "beamproof: no VM starts with --flags +bogus: unknown flag -bogus\n"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "code", "said"), BAD)
def test_what_goes_wrong_is_said(
    arguments: tuple[str, ...],
    code: ExitCode,
    said: str,
    try_it: Callable[..., tuple[int, str]],
) -> None:
    """A syntax error with its place, a deadline, a VM that is halted, a flag that is none."""
    found, shown = try_it(*arguments, both=False)
    assert found == code
    assert said in shown


def test_much_is_cut(try_it: Callable[..., tuple[int, str]]) -> None:
    """A flood and a large value fill no terminal, and neither counts as a failure."""
    flood = '[io:format("flood~n") || _ <- lists:seq(1, 50000)], ok'
    code, shown = try_it(flood, "binary:copy(<<0>>, 100000000)", "--timeout", "60", both=False)
    assert code == ExitCode.CONFIRMED
    assert len(shown) < 7000
    assert "lines ...]" in shown
    assert "cut at 4,000 characters (--chars)" in shown


def test_flags_reach_the_vm(try_it: Callable[..., tuple[int, str]]) -> None:
    """The VMs start with the flags, all in one text or in several."""
    flags = ("--flags", "+zdbbl 1 -kernel x 2", "--flags", "-kernel y 3")
    texts = ("erlang:system_info(dist_buf_busy_limit)", "application:get_env(kernel, y)")
    code, shown = try_it(*texts, *flags)
    assert code == ExitCode.CONFIRMED
    assert "25, 27: 1024\n" in shown
    assert "25, 27: {ok,3}\n" in shown


def test_a_release_that_cannot_be_had(
    way: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is left out and said; strictly, and where it is the only one, it is an error."""
    assert run(["try", "1", "--otp", "21,27", *way, "--no-strict", "--json"]) == ExitCode.CONFIRMED
    found = json.loads(capsys.readouterr().out)
    assert "no OTP 21 is installed here" in found["missing"]["21"]
    assert found["asked"][0]["answers"]["otp27"]["value"] == 1
    assert run(["try", "1", "--otp", "21,27", *way, "--strict"]) == ExitCode.RUNTIME_MISSING
    assert run(["try", "1", "--otp", "21", *way]) == ExitCode.RUNTIME_MISSING
    assert "nothing can run" in capsys.readouterr().err
    nowhere = ["--otp-root", str(tmp_path / "nowhere")]
    assert run(["try", "1", "--otp", "27", "--runtime", "host", *nowhere]) != ExitCode.DEFECT


CLAIMED = {
    "eight": ("erlang:system_info(wordsize)", "expect.value_number = 8\n"),
    "moved": ("maps:iterator(#{a => 1}, ordered)", 'expect.ends = "error"\n'),
    "commented": ("X = 1, % one. two\nX + 1 % more", "expect.value_number = 2\n"),
}


def test_an_answer_becomes_a_claim_that_runs(
    tmp_path: Path, way: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Claim and probe compile and run: inconclusive with their TODOs, confirmed without."""
    folders = ["--claims", str(tmp_path / "claims"), "--probes", str(tmp_path / "probes")]
    releases = ["--otp", "25,27", *way]
    for name, (text, expect) in CLAIMED.items():
        code = run(["try", text, "--to-claim", f"our-vm/{name}", *folders, *releases])
        assert code == ExitCode.CONFIRMED, capsys.readouterr().err
        assert expect in (tmp_path / "claims" / "our-vm.toml").read_text()
    assert "beamproof verify --claim our-vm/eight" in capsys.readouterr().err
    verify = ["verify", *folders, "--runs", str(tmp_path / "runs"), *releases]
    assert run(verify) == ExitCode.INCONCLUSIVE
    for path in (*tmp_path.glob("claims/*.toml"), *tmp_path.glob("probes/*.erl")):
        path.write_text(path.read_text().replace("TODO", "Done"))
    capsys.readouterr()
    assert run(verify) == ExitCode.CONFIRMED, capsys.readouterr().out


def test_an_interruption_leaves_no_vm(way: list[str]) -> None:
    """Ctrl-C while an expression runs ends its VM in time, and exits as the signal says."""
    text = 'io:format(user, "~s~n", [os:getpid()]), timer:sleep(60000)'
    command = [sys.executable, "-m", "harness", "try", text, "--otp", "27", *way]
    with subprocess.Popen(
        [*command, "--timeout", "120"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        vms = wait_for_vms(process.pid)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert time.monotonic() - start < in_time(INTERRUPT_S)
    assert process.returncode == 128 + signal.SIGINT
    assert not [vm for vm in vms if is_alive(vm)]


def wait_for_vms(parent: int) -> list[int]:
    """Return the VMs below a command that evaluates."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = [
            int(stat.parent.name)
            for stat in Path("/proc").glob("[0-9]*/stat")
            if (fields := fields_of(stat)) and fields[0] == "beam.smp" and fields[2] == parent
        ]
        if found:
            time.sleep(1)  # by now it evaluates
            return found
        time.sleep(0.05)
    raise AssertionError("no VM started")


def fields_of(stat: Path) -> tuple[str, str, int] | None:
    try:
        name, _, rest = stat.read_text().partition("(")[2].rpartition(")")
    except OSError:
        return None
    state, parent = rest.split()[:2]
    return name, state, int(parent)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

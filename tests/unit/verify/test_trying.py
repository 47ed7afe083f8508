"""Expressions are asked in order; numbers that differ are asked again; a prompt shows answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import cast

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console

from harness.collect.panel import Asked, Panel
from harness.collect.probes import ProbeStore
from harness.errors import ExitCode
from harness.folders import own_probes_dir
from harness.run.answers import Answered, Kind, Passing
from harness.verify import prompt, trying


def asked(text: str, *said: str, kind: Kind = Kind.VALUE) -> Asked:
    names = ("otp25", "otp27")
    errors = said if kind is Kind.REFUSED else ()
    answers = [Answered(kind=kind, text=one, errors=errors) for one in said]
    return Asked(text=text, answers=dict(zip(names, answers, strict=True)))


@dataclass
class Script:
    """Be a panel that answers what was written down, and keep what it was asked."""

    answers: dict[str, Asked]
    second: dict[str, Asked] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    timeout_s: float = 10.0
    chars: int = 4000
    ended: tuple[str, ...] = ()

    def ask(self, text: str) -> Asked:
        self.heard.append(text)
        return self.answers[text]

    def again(self, told: Sequence[Asked], repeat: Callable[[Panel, Asked], Asked]) -> list[Asked]:
        other = cast("Panel", Script(self.second))
        self.heard += [f"again {one.text}" for one in told]
        return [
            replace(one, changing=frozenset({0}) if repeat(other, one) != one else frozenset())
            for one in told
        ]

    def renew(self) -> tuple[str, ...]:
        return self.ended


def ask(script: Script, *texts: str, once: bool = False) -> list[Asked]:
    questions = trying.Questions(
        module=None, store=ProbeStore(own_probes_dir()), expressions=texts, once=once
    )
    return list(trying.ask(cast("Panel", script), questions))


def test_numbers_that_differ_are_asked_again_from_the_start() -> None:
    """All that was asked is asked again, in order, and only what is held back is told anew."""
    first = {one.text: one for one in (asked("a", "1", "1"), asked("t", "3", "4"))}
    script = Script(first, {"a": first["a"], "t": asked("t", "5", "6")})
    same, timing = ask(script, "a", "t")
    assert script.heard == ["a", "t", "again a", "again t"]
    assert len(same.groups) == 1
    (group,) = timing.groups
    assert group.passing == (Passing.NUMBERS,)


@pytest.mark.parametrize("said", [("a", "b"), ("1", "1"), ("<0.1.0>", "<0.2.0>")])
def test_what_no_number_explains_is_asked_once(said: tuple[str, str]) -> None:
    script = Script({"x": asked("x", *said)})
    ask(script, "x")
    assert script.heard == ["x"]


def test_once_forbids_a_second_time() -> None:
    script = Script({"t": asked("t", "3", "4")})
    (timing,) = ask(script, "t", once=True)
    assert script.heard == ["t"]
    assert len(timing.groups) == 2


def test_what_every_release_refuses_ends_the_questions() -> None:
    """What follows may hang on it; the exit code is that of bad input."""
    script = Script({"1 +": asked("1 +", "early", "early", kind=Kind.REFUSED)})
    told = ask(script, "1 +", "2")
    assert script.heard == ["1 +"]
    assert trying.exit_code(told) is ExitCode.BAD_INPUT


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (Kind.VALUE, ExitCode.CONFIRMED),
        (Kind.RAISED, ExitCode.CONFIRMED),
        (Kind.REFUSED, ExitCode.CONFIRMED),
        (Kind.OVERDUE, ExitCode.INCONCLUSIVE),
        (Kind.ENDED, ExitCode.INCONCLUSIVE),
    ],
)
def test_the_exit_code_says_whether_all_answered(kind: Kind, code: ExitCode) -> None:
    """What one release refuses is an answer; an exception is one, too."""
    answers = {"otp25": Answered(kind=kind), "otp27": Answered(kind=Kind.VALUE)}
    assert trying.exit_code([Asked(text="x", answers=answers)]) is code


def typed(script: Script, keys: str | bytes, history: Path) -> None:
    """Converse in a thread: in the main one a browser of this session may have its loop."""

    def converse() -> None:
        with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
            pipe.send_bytes(keys if isinstance(keys, bytes) else keys.encode())
            prompt.converse(cast("Panel", script), ("otp25", "otp27"), history)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(converse).result()


def test_a_prompt_asks_what_is_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A full stop sends, a line without one goes on, Ctrl-C clears, Ctrl-D leaves."""
    script = Script({"1 +\n1": asked("1 +\n1", "2", "2"), "x": asked("x", "a", "b")})
    history = tmp_path / "below" / "history"
    typed(script, "1 +\r1.\rno\x03x.\r\x04", history)
    assert script.heard == ["1 +\n1", "x"]
    shown = capsys.readouterr().out
    assert "OTP 25, 27; an expression ends with a full stop; Ctrl-D leaves" in shown
    assert "25, 27: 2\n" in shown
    assert "+x." in history.read_text()


def test_a_prompt_goes_on_after_bytes_that_are_no_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody is asked, and the history does not keep them."""
    script = Script({"1": asked("1", "1", "1")})
    typed(script, b'"\xff".\r1.\r\x04', tmp_path / "history")
    assert script.heard == ["1"]
    assert "that is not UTF-8" in capsys.readouterr().out
    assert [
        line for line in (tmp_path / "history").read_text().splitlines() if line[:1] == "+"
    ] == ["+1."]


def test_a_prompt_tells_of_new_vms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A VM that ended is replaced, and its variables are gone; no history is no reason to stop."""
    (tmp_path / "file").touch()
    script = Script({"halt()": asked("halt()", "the VM ended", "1")}, ended=("otp25",))
    typed(script, "halt().\r\x04", tmp_path / "file" / "history")
    assert "25: a new VM; its variables are gone" in capsys.readouterr().out


def test_answers_stand_side_by_side() -> None:
    """Each answer has a column, with its releases above."""
    script = Script({})
    console = Console(file=StringIO(), width=80)
    console.print(prompt.side_by_side(asked("x", "first", "second"), cast("Panel", script)))
    shown = cast("StringIO", console.file).getvalue()
    assert [line.split() for line in shown.splitlines() if "s" in line] == [["first", "second"]]
    assert shown.split()[:2] == ["25", "27"]

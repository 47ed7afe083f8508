"""What an expression gave becomes a claim, unless no claim could predict it."""

from __future__ import annotations

import pytest

from harness.authoring.draft import Draft, When
from harness.collect.panel import Asked
from harness.errors import InputError
from harness.run.answers import Answered, Kind
from harness.run.cells import Json
from harness.verify.claimed import draft_of

WHY = "TODO: what changed, and where it is told."


def value(text: str, plain: Json = None, *, is_plain: bool = True) -> Answered:
    return Answered(kind=Kind.VALUE, text=text, plain=plain, is_plain=is_plain)


def undef() -> Answered:
    return Answered(kind=Kind.RAISED, text="undef", error_class="error")


def draft(*answers: Answered, text: str = "f()", first: int = 25) -> Draft:
    names = (f"otp{release}" for release in range(first, first + len(answers)))
    asked = Asked(text=text, answers=dict(zip(names, answers, strict=True)))
    return draft_of([Asked(text="X = 1", answers={}), asked], ("+zdbbl", "1"))


@pytest.mark.parametrize(
    ("answer", "expect", "body"),
    [
        (value("8", 8), {"value_number": 8}, "f()"),
        (value("1.5", 1.5), {"value_number": 1.5}, "f()"),
        (value("true", plain=True), {"value": True}, "f()"),
        (value("ok", "ok"), {"value_text": "ok"}, "probe_print:text(f())"),
        (value("{1,a}", [1, "a"]), {"value_text": "{1,a}"}, "probe_print:text(f())"),
        (value("1", is_plain=False), {"value_text": "1"}, "probe_print:text(f())"),
    ],
)
def test_a_value_is_predicted_as_what_it_is(
    answer: Answered, expect: dict[str, Json], body: str
) -> None:
    """Numbers and booleans as such, all else as text; the probe keeps what came before."""
    found = draft(answer)
    (key,) = expect
    assert found.expect == expect
    assert found.body == f"    X = 1,\n    #{{{key} => {body}}}"
    assert found.statement.startswith("TODO: say in words that f() gives ")
    assert found.flags == ("+zdbbl", "1")
    assert not found.whens


def test_what_differs_is_told_by_release() -> None:
    """What most releases gave is the claim; the others are ranges, each with a reason to find."""
    found = draft(value("1", 1), value("2", 2), value("2", 2), value("1", 1), value("2", 2))
    assert found.expect == {"value_number": 2}
    one = {"value_number": 1}
    assert found.whens == [
        When(otp=">=25,<26", why=WHY, expect=one),
        When(otp=">=28,<29", why=WHY, expect=one),
    ]


def test_what_is_raised_is_evidence() -> None:
    """Where one release raises, all are asked how it ends."""
    found = draft(undef(), value("[a]", ["a"]))
    assert found.expect == {"ends": "returned", "value_text": "[a]"}
    assert [one.expect for one in found.whens] == [{"ends": "error", "value_text": "undef"}]
    assert "RaisedClass:RaisedReason ->" in found.body


def test_comments_and_lines_stay_apart() -> None:
    """A comment hides no comma, and nothing that follows."""
    found = draft(value("2", 2), text="Y = 1, % one\nY + 1 % two")
    assert found.body.splitlines() == [
        "    X = 1,",
        "    #{value_number => begin",
        "        Y = 1, % one",
        "Y + 1 % two",
        "    end}",
    ]
    twice = [
        Asked(text=text, answers={"otp27": value("1", 1)}) for text in ("A = 1 % one", "A", "A")
    ]
    assert draft_of(twice, ()).body == "    A = 1 % one\n    ,\n    A,\n    #{value_number => A}"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked(text="x", answers={"otp27": value("<0.1.0>")}), "pids, references or the like"),
        (
            Asked(text="x", answers={"otp25": value("<0.1.0>"), "otp27": value("<0.2.0>")}),
            "the answer holds pids",
        ),
        (
            Asked(text="x", answers={"otp27": value("1", 1)}, changing=frozenset({0})),
            "asked again, it gives something else",
        ),
        (
            Asked(text="x", answers={"otp27": value("1", 1)}, unsteady=("otp27",)),
            "asked again, it gives something else",
        ),
        (
            Asked(text="x", answers={"otp27": Answered(kind=Kind.VALUE, text="[1...", cut=True)}),
            "the answer is too long",
        ),
    ],
)
def test_what_passes_is_refused(asked: Asked, said: str) -> None:
    """What is another in each VM or at each time, or too long, is nothing to predict."""
    with pytest.raises(InputError, match="no claim can predict x") as error:
        draft_of([asked], ())
    assert said in str(error.value)

"""Answers are the same, the same but for what passes, or different."""

from __future__ import annotations

import pytest

from harness.run import answers
from harness.run.answers import Answered, Kind, Passing, grouped


def value(text: str, **more: object) -> Answered:
    return Answered(kind=Kind.VALUE, text=text, **more)  # type: ignore[arg-type]


PASSING = [
    ("<0.83.0>", "<0.87.0>", Passing.PIDS),
    ("#Ref<0.1.2.3>", "#Ref<0.4.5.6>", Passing.REFERENCES),
    ("#Port<0.3>", "#Port<0.12>", Passing.PORTS),
    ("#Fun<erl_eval.43.39164016>", "#Fun<erl_eval.42.3316493>", Passing.FUNS),
    ("at 0x00007f01", "at 0x00007fab", Passing.ADDRESSES),
    ("27-Nov-2026::09:18:06.033893", "28-Nov-2026::10:18:06.1", Passing.DATES),
    ("2026-11-27T09:18:06.033893+00:00", "2026-11-28T09:18:06Z", Passing.DATES),
]


@pytest.mark.parametrize(("one", "other", "kind"), PASSING)
def test_what_passes_makes_no_difference(one: str, other: str, kind: Passing) -> None:
    """What is another in each VM is told, and puts no answers apart."""
    (group,) = grouped({"otp25": value(f"{{ok,{one}}}"), "otp27": value(f"{{ok,{other}}}")})
    assert group.runtimes == ("otp25", "otp27")
    assert group.passing == (kind,)
    assert answers.same(value(one), value(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (value("8"), value("4")),
        (value("<0.83.0>"), value("#Port<0.3>")),
        (value("#Fun<a.1.2>"), value("#Fun<b.1.2>")),
        (value("ok"), Answered(kind=Kind.RAISED, text="ok", error_class="throw")),
        (value("ok"), value("ok", output="hello\n")),
        (value("ok"), value("ok", warnings=("1:1: erlang:now/0 is deprecated",))),
        (value("[1,2...", cut=True, checksum=1), value("[1,2...", cut=True, checksum=2)),
    ],
)
def test_all_else_does(one: Answered, other: Answered) -> None:
    """Values, ends, output, warnings and what lies behind a cut put answers apart."""
    assert [group.runtimes for group in grouped({"a": one, "b": other})] == [("a",), ("b",)]
    assert not answers.same(one, other)


def test_what_is_cut_off_is_said_not_to_be_compared_where_something_passes() -> None:
    """The checksum of the whole is another one by the pid alone, so it tells nothing."""
    parts = {
        "a": value("{<0.1.0>,[1,2...", cut=True, checksum=1),
        "b": value("{<0.2.0>,[1,2...", cut=True, checksum=2),
    }
    (group,) = grouped(parts)
    assert group.passing == (Passing.PIDS, Passing.REST)


def test_equal_answers_are_one_group_in_the_order_given() -> None:
    """A group keeps the order of its runtimes and shows the answer of the last."""
    groups = grouped({"otp24": value("1"), "otp25": value("2"), "otp26": value("1")})
    assert [group.runtimes for group in groups] == [("otp24", "otp26"), ("otp25",)]
    assert all(not group.passing for group in groups)


def test_numbers_that_change_from_run_to_run_pass() -> None:
    """A number that is another when the same VM is asked again tells nothing of a release."""
    first = {"otp25": value("{12,ok,3}"), "otp27": value("{9,ok,3}")}
    again = {"otp25": value("{12,ok,3}"), "otp27": value("{8,ok,3}")}
    assert answers.same_but_for_numbers(first["otp25"], first["otp27"])
    changing = [answers.changing(first[name], again[name]) for name in first]
    assert changing == [frozenset(), frozenset({0})]
    (group,) = grouped(first, frozenset({0}))
    assert group.passing == (Passing.NUMBERS,)
    assert len(grouped(first | {"otp26": value("{9,ok,4}")}, frozenset({0}))) == 2


def test_more_than_numbers_is_no_number_that_changes() -> None:
    """What differs in words is nothing that a second answer explains."""
    assert answers.changing(value("{1,a}"), value("{1,b}")) is None
    assert not answers.same_but_for_numbers(value("[1]"), value("[1,2]"))
    assert not answers.same_but_for_numbers(value("otp25"), value("otp27"))

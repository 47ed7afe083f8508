"""An expression is evaluated on a live node: what it gave and printed, within a deadline."""

from __future__ import annotations

import time

import pytest

from harness.collect.evaluation import Evaluator
from harness.collect.node import Node
from harness.run.answers import Answered, Kind

pytestmark = pytest.mark.live


@pytest.fixture
def evaluator(node: Node) -> Evaluator:
    return Evaluator(node, timeout_s=20, chars=200)


def test_one_after_the_other(evaluator: Evaluator) -> None:
    """Bindings, messages and what was printed are those of one process, kept in order."""
    assert evaluator.evaluate("X = 1 + 1").text == "2"
    assert evaluator.evaluate('self() ! X, io:format("~w of ~ts\n", [X, [8364]])') == Answered(
        kind=Kind.VALUE,
        text="ok",
        plain="ok",
        is_plain=True,
        output="2 of €\n",
        elapsed_us=pytest.approx(0, abs=10_000_000),
    )
    assert evaluator.evaluate("receive Got -> {Got, X} end").text == "{2,2}"
    assert evaluator.evaluate("io:get_line(x)").text == "eof"

    raised = evaluator.evaluate("binary_to_atom(X)")
    assert (raised.kind, raised.error_class, raised.text) == (Kind.RAISED, "error", "badarg")
    assert raised.stack == ("erlang:binary_to_atom(2)",)
    assert raised.notes == ("argument 1: not a binary",)
    assert evaluator.evaluate("lists:no(1)").stack == ("lists:no(1)",)
    assert evaluator.evaluate("no(1)").stack == ("no(1)",)
    linked = evaluator.evaluate("spawn_link(fun() -> exit(bye) end), receive after 9000 -> x end")
    assert linked == Answered(kind=Kind.RAISED, error_class="exit", text="bye")
    assert evaluator.evaluate("X").plain == 2

    crashed = evaluator.evaluate("spawn(fun() -> error(gone) end)")
    printed = crashed.output
    end = time.monotonic() + 20
    while "Error in process" not in printed and time.monotonic() < end:  # the logger takes its time
        printed += evaluator.rest()
    assert "Error in process" in printed
    assert "now/0 is deprecated" in evaluator.evaluate("erlang:now()").warnings[0]


REFUSED = [
    ("1 +", "1:4: it ends too early"),
    ("1 +\n )", "2:2: syntax error before: ')'"),
    ("Y + 1", "1:1: variable 'Y' is unbound"),
    ("", "1:1: it ends too early"),
]


def test_what_is_no_expression_is_refused_with_its_place(evaluator: Evaluator) -> None:
    """Errors of scanner, parser and linter name line and column."""
    for text, error in REFUSED:
        assert evaluator.evaluate(text) == Answered(kind=Kind.REFUSED, errors=(error,))
    (unterminated,) = evaluator.evaluate('"a').errors
    assert unterminated.endswith('unterminated string starting with "a"')


def test_equal_terms_are_equal_text(evaluator: Evaluator) -> None:
    """Maps are printed in the order of their keys; what is cut has a checksum."""
    large = evaluator.evaluate("maps:from_list([{N, N} || N <- lists:seq(40, 1, -1)])")
    assert large.cut
    assert large.text.startswith("#{1 => 1,2 => 2,3 => 3,")
    other = evaluator.evaluate("maps:from_list([{N, N} || N <- lists:seq(1, 40)])")
    assert (large.text, large.checksum) == (other.text, other.checksum)
    assert evaluator.evaluate(
        '[{#{b => [1|2], a => <<1:3>>}, "é", <<"é"/utf8>>}, [], {}]'
    ).text == ('[{#{a => <<1:3>>,b => [1|2]},"é",<<"é"/utf8>>},[],{}]')
    for text in ("1 bsl 1000000", "lists:seq(1, 1000)", "binary:copy(<<$a>>, 1000)",
                 "lists:duplicate(1000, $a)", "list_to_tuple(lists:seq(1, 1000))"):  # fmt: skip
        found = evaluator.evaluate(text)
        assert found.cut, text
        assert found.checksum is not None, text
        assert len(found.text) < 250, text
        assert not found.pretty, text
    longer = evaluator.evaluate("lists:seq(100, 140)")
    assert not longer.cut
    assert longer.pretty.count("\n") > 1


def test_a_deadline_ends_the_expression_and_not_its_node(evaluator: Evaluator) -> None:
    """What runs too long is killed, however it floods; where it was is told, bindings stay."""
    evaluator.evaluate("X = 1")
    evaluator.timeout_s = 0.3
    for text in (
        "F = fun(G) -> G(G) end, F(F)",
        'F = fun(G) -> io:format("flood~n"), G(G) end, F(F)',
        "receive after infinity -> ok end",
    ):
        start = time.monotonic()
        found = evaluator.evaluate(text)
        assert found.kind is Kind.OVERDUE
        assert len(found.output) < 100_000
        assert time.monotonic() - start < 10
    evaluator.timeout_s = 20
    assert evaluator.evaluate("X").text == "1"


def test_a_vm_that_ends_says_how_and_what_it_printed(evaluator: Evaluator) -> None:
    """The output of an expression that halts its VM is not lost, and nothing is asked anew."""
    found = evaluator.evaluate('io:format("bye~n"), halt(3)')
    assert found.kind is Kind.ENDED
    assert "exit status 3" in found.text
    assert found.output == "bye\n"
    assert evaluator.evaluate("1").kind is Kind.ENDED


def test_100_megabytes_are_answered_in_part(node: Node) -> None:
    """Large values come back as their beginning and a checksum, within the VM's memory."""
    found = Evaluator(node, timeout_s=60, chars=100).evaluate(
        "binary:copy(<<0>>, 100 * 1000 * 1000)"
    )
    assert (found.kind, found.cut, found.is_plain) == (Kind.VALUE, True, False)
    assert found.text.startswith("<<0,0,0")

"""Variants made by machine: one act, one option, one number at a time."""

from __future__ import annotations

from harness.authoring.auto_sabotage import auto_variants
from harness.authoring.probe_source import blanked, functions
from harness.claims.model import Skill
from tests.support.judging import claim

PROBES = """-module(beam_test).
-export([law/1, other/1]).
-define(TABLES, beam_test_tables).

law(#{}) ->
    Table = ets:new(subject, [set, {keypos, 1}]),
    true = link(self()),
    ok = ?TABLES:fill(Table, 500),
    exit(self(), "kill, (not"), % exit(Pid)
    Pid ! {go, 1},
    #{found_count => ets:info(Table, size), quiet => helper()}.

helper() -> none.

other(#{}) -> #{}.
"""
TABLES = """-module(beam_test_tables).
-export([fill/2, unused/0]).

fill(Table, Count) ->
    [ets:insert(Table, {N}) || N <- lists:seq(1, Count)],
    ok.

unused() ->
    exit(self(), kill),
    ok.
"""
SKILL = Skill(
    name="beam-test", description="", claims=(claim({"n": 1}), claim({"n": 1}, name="other"))
)
SOURCES = {"beam_test": PROBES, "beam_test_tables": TABLES, "probe_lib": "-module(probe_lib).\n"}


def test_acts_options_and_numbers_are_taken_out_one_at_a_time() -> None:
    """Each in a text of its own; what only looks stays, and what no probe reaches."""
    variants = list(auto_variants(SKILL, SOURCES))
    assert [(one.id, one.why) for one in variants] == [
        ("beam_test.erl:7", "link(self()) -> true"),
        ("beam_test.erl:8", "?TABLES:fill(Table, 500) -> ok"),
        ("beam_test.erl:9", 'exit(self(), "kill, (not") -> ok'),
        ("beam_test.erl:10", "Pid ! {go, 1} -> ok"),
        ("beam_test.erl:6", "[set, {keypos, 1}] without set"),
        ("beam_test.erl:6#2", "[set, {keypos, 1}] without {keypos, 1}"),
        ("beam_test.erl:8#2", "500 -> 0 in ok = ?TABLES:fill(Table, 500),"),
        ("beam_test_tables.erl:5", "ets:insert(Table, {N}) -> ok"),
    ]
    assert {one.claims for one in variants} == {("law",)}
    without_kill = variants[2].sources["beam_test"]
    assert without_kill == PROBES.replace('exit(self(), "kill, (not")', "ok")
    assert "subject, [{keypos, 1}])" in variants[4].sources["beam_test"]


def test_functions_are_found_whole() -> None:
    """With all their clauses, whatever their texts and comments say."""
    text = "f(1) -> \"a.\\n\";\nf(_) ->\n    'b.'. % c.\n\ng() -> ok.\n"
    found = functions(blanked(text))
    assert [(one.name, text[one.start : one.end]) for one in found] == [
        ("f", text[: text.index("\n\ng")]),
        ("g", "g() -> ok."),
    ]

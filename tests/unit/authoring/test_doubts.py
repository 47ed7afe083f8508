"""What lint warns of: evidence that cannot fail, sentences wider than it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.authoring.doubts import doubts
from harness.claims.model import Claim, Skill
from harness.claims.sabotage import Sabotage, Variant
from tests.support.judging import claim, rival

PROBES = """-module(beam_test).
-export([law/1]).
-define(SENT, 1_000).

law(#{}) ->
    Rounds = 500,
    {Found, Left} = ?TABLES:race(Rounds),
    #{round_count => Rounds, sent_count => ?SENT, found_count => Found, left => left(Left)}.

left(none) -> #{alive => true};
left(_) -> #{alive => false}.

other(#{}) -> #{found_count => 7}.
"""
TABLES = """-module(beam_test_tables).
race(Count) -> {Count, none}.
"""
FINE = rival({"found_count": 9})


def said(one: Claim, clause: str | None = None) -> list[str]:
    """Return what is doubted of a claim, without its name."""
    skill = Skill(name="beam-test", description="", claims=(one,))
    variant = Variant(id="v", claims=("law",), why="", sources={}, clause=clause or "")
    sabotage = Sabotage(skill="beam-test", path=skill.path, variants=(variant,))
    sources = {"beam_test": PROBES, "beam_test_tables": TABLES}
    found = doubts(skill, sources, None if clause is None else sabotage)
    return [message.removeprefix("law: ") for _, message in found]


def test_a_prediction_of_a_constant_of_the_source_cannot_fail() -> None:
    """Written by hand, bound to a variable or defined: it is not measured."""
    assert said(claim({"found_count": 8, "round_count": 500, "sent_count": 1000}, FINE)) == [
        "round_count is the constant 500 of beam_test.erl:8: it cannot fail",
        "sent_count is the constant 1000 of beam_test.erl:8: it cannot fail",
    ]


def test_what_several_places_write_is_no_constant() -> None:
    """One branch or the other decides; and another probe's constant is not this one's."""
    assert said(claim({"left": {"alive": True}, "found_count": 7}, FINE)) == []


def test_a_rival_that_a_constant_contradicts_is_never_met() -> None:
    """Whatever the VM does."""
    (found,) = said(claim({"found_count": 8}, rival({"sent_count": 7})))
    assert found.startswith("no value of the probe can fulfil this rival: sent_count is the const")


def test_a_rival_with_several_predictions_is_several_rivals() -> None:
    """Any one of them contradicts it, and the others are never tested."""
    (found,) = said(claim({"found_count": 8}, rival({"found_count": 9, "left": 2})))
    assert found.startswith("the rival predicts 2 things")


@pytest.mark.parametrize(
    ("expect", "doubted"),
    [
        ({"lost_count": 0, "state": "alive", "kept": False}, 1),
        ({"lost_count": {"at_most": 0}, "gaps_ms": {"all": 0}}, 1),
        ({"lost_count": 0, "sent_ok_count": {"at_least": 1}}, 0),
        ({"lost_count": {"between": [0, 1]}}, 0),
        ({"lost_count": 0, "reason": "killed"}, 0),
    ],
)
def test_nothing_alone_is_what_a_probe_finds_that_does_nothing(
    expect: dict[str, Any], doubted: int
) -> None:
    """Somewhere a control must show that something took place."""
    found = said(claim(expect, FINE))
    assert sum(one.startswith("all that it predicts is what nothing") for one in found) == doubted


def test_a_cause_needs_a_variant_that_takes_it_away() -> None:
    """Or else the sentence says more than anything shows."""
    statement = "It is slower because of the locks of its buckets."
    because = replace(claim({"found_count": 8}, FINE), statement=statement)
    doubt = 'it gives a cause ("because of the locks of its buckets")'
    assert said(because)[0].startswith(doubt)
    assert said(because, clause="that it is slower")[0].startswith(doubt)
    assert said(because, clause="because of the locks of the buckets") == []

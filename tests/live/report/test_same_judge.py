"""What an escript judges with is what we judge with: the same rules, written in Erlang."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.claims.evaluation import decide, evaluate, is_numeric
from harness.claims.expect import PredicateError, parse_pattern
from harness.claims.folder import load_skills
from harness.claims.model import Claim
from harness.claims.predicates import Leaf, same
from harness.claims.versions import matches, range_problem
from harness.judge.judge import enough, judge
from harness.report.repro.as_erlang import claim_term, pattern, range_term, text, value
from harness.run.file import read_run
from harness.run.model import Observation
from tests.live.report.conftest import Ask
from tests.support import judging

pytestmark = pytest.mark.live

EVIDENCE = Path(__file__).parents[2] / "evidence"
MANY = settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])

NUMBERS = (
    st.integers(-5, 5)
    | st.sampled_from([0.0, -0.0, 1.0, 2.5, 1e-7, 1e22, 5e-324, 2.0**53, 2**53 + 1, 10**400])
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
)
TEXTS = st.sampled_from(["", "a", "ab", "bad", "badarg", "a\nb", "ä€", "{x}", "1"]) | st.text(
    max_size=4
)
SIMPLE = st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(
    SIMPLE,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "ü"]), inner)
        | TEXTS.map(lambda one: [ord(character) for character in one])
    ),
    max_leaves=6,
)
REGEXES = st.sampled_from(
    [
        "a",
        "bad(arg|match)",
        "^a",
        "b$",
        r"a\Z",
        r"\w+",
        r"\d",
        ".",
        "(?i)BAD",
        "a|ab",
        r"[^a]*",
        "é|ä.",
        r"\s",
    ]
)
LEAVES = st.one_of(
    VALUES.map(lambda one: {"equals": one}),
    VALUES.map(lambda one: {"not_equals": one}),
    st.lists(VALUES, min_size=1, max_size=3).map(lambda some: {"one_of": some}),
    *(
        NUMBERS.map(lambda one, op=op: {op: one})
        for op in ("at_least", "at_most", "above", "below")
    ),
    st.tuples(NUMBERS, NUMBERS).map(lambda two: {"between": sorted(two)}),
    st.tuples(NUMBERS, st.floats(0, 2) | st.integers(0, 9)).map(
        lambda two: {"approx": two[0], "abs": two[1]}
    ),
    st.tuples(NUMBERS, st.floats(0, 1)).map(lambda two: {"approx": two[0], "rel": two[1]}),
    SIMPLE.map(lambda one: {"contains": one}),
    REGEXES.map(lambda one: {"matches": one}),
    REGEXES.map(lambda one: {"search": one}),
    st.booleans().map(lambda one: {"absent": one}),
)
PATTERNS = st.recursive(
    LEAVES,
    lambda inner: st.sampled_from(["all", "any", "length"]).flatmap(
        lambda op: inner.map(lambda one: {op: one})
    )
    | st.dictionaries(st.sampled_from(["a", "b", "ü"]), inner, min_size=1),
    max_leaves=4,
)  # fmt: skip


def told(holds: bool | None) -> bool | str:  # noqa: FBT001 - an outcome, no switch
    return "undecided" if holds is None else holds


@given(written=PATTERNS, found=VALUES)
@MANY
def test_each_predicate_says_the_same(ask: Ask, written: Any, found: Any) -> None:
    """Any pattern and any value: holds, does not hold, or undecided."""
    try:
        parsed = parse_pattern(written)
    except PredicateError:
        return
    term = f"{{evaluate, {pattern(parsed)}, {{found, {value(found)}}}}}"
    assert ask(term) == told(evaluate(parsed, found).holds), (written, found)


@given(written=LEAVES, bounds=st.tuples(NUMBERS, NUMBERS))
@MANY
def test_an_interval_is_decided_the_same(ask: Ask, written: Any, bounds: Any) -> None:
    """A number that lies somewhere between two others."""
    try:
        leaf = parse_pattern(written)
    except PredicateError:
        return
    if isinstance(leaf, Leaf) and is_numeric(leaf):
        low, high = sorted(bounds)
        term = f"{{decide, {pattern(leaf)}, {value(low)}, {value(high)}}}"
        assert ask(term) == told(decide(leaf, low, high)), (written, low, high)


RANGES = (
    *("", ">=27", "<27", ">=25.3", ">=25,<25.3", "<25.3.2.3", "==26.*", "!=26.*", "==27.3.4.1"),
    *("~=26.1", "~=26.1.2", ">26.1", "<=26.2.5", "!=27.0", "<28", ">=28.0rc1", "<28.0rc2"),
)
VERSIONS = (
    *("24.0", "24.3.4.17", "25.2.3", "25.3", "25.3.2.3", "26.0", "26.1", "26.1.2", "26.2.5.12"),
    *("27.0", "27.3.4.1", "27.3.4.1**", "28.0-rc1", "28.0-rc3", "28.0", "28", "29.1", "master"),
)


def test_ranges_hold_the_same_versions(ask: Ask) -> None:
    """Every kind of range against versions of every kind, early ones and patched ones included."""
    assert not any(range_problem(one) for one in RANGES)
    for one in RANGES:
        for version in VERSIONS:
            term = f"{{matches, {range_term(one)}, {text(version)}}}"
            assert ask(term) is matches(one, version), (one, version)


@given(found=VALUES)
@MANY
def test_evidence_is_read_as_it_was_written(ask: Ask, found: Any) -> None:
    """What the second VM tells as JSON arrives, and what we write as a term is the same."""
    assert same(ask(f"{{again, {value(found)}}}"), found)


def claims() -> list[Claim]:
    return list(load_skills(EVIDENCE / "claims", ["beam-memory-management"])[0].claims)


def observations() -> tuple[Observation, ...]:
    return read_run(EVIDENCE / "beam-memory-management.jsonl").observations


def test_recorded_evidence_is_judged_the_same(ask: Ask) -> None:
    """Every recorded observation by its own claims, as it is and changed, and by some others."""
    seed = random.Random(1)  # noqa: S311 - which evidence is changed, no secret
    known = claims()
    for at, claim in enumerate(known):
        assert ask(f"{{keep, claim_{at}, {claim_term(claim)}}}") == "ok"
    for number, seen in enumerate(observations()):
        variants = [seen, *(changed(seen, seed) for _ in range(3))]
        names = [f"seen_{number}_{at}" for at in range(len(variants))]
        for name, variant in zip(names, variants, strict=True):
            ask(f"{{keep, {name}, {value(variant.samples[0].evidence)}}}")
        for at, claim in enumerate(known):
            own = any(f"/{claim.id}@" in cell for cell in seen.cells)
            if own or seed.random() < 0.1:
                for name, variant in zip(names, variants, strict=True):
                    compared(ask, f"claim_{at}", claim, variant, (name,))


def test_several_samples_are_judged_the_same(ask: Ask) -> None:
    """Medians, flaky samples, ranges of releases and whens; whether more are wanted, too."""
    seed = random.Random(2)  # noqa: S311 - as above
    for claim in several():
        for _ in range(60):
            count = seed.randint(1, 24)
            some = [{"x_us": seed.choice([1, 2, 3, 3, 4, 2.5]), "kind": seed.choice("aab")}
                    for _ in range(count)]  # fmt: skip
            seen = observation(seed.choice(["25.2.3", "27.3.4.1"]), some)
            compared(ask, claim_term(claim), claim, seen, tuple(map(value, some)))


def several() -> Iterator[Claim]:
    """Yield claims with a median, with ranges, with whens that move something and that do not."""
    claim, rival, when = judging.claim, judging.rival, judging.when
    below = rival({"x_us": {"below": 2}})
    for repeat in (1, 3, 6):
        yield claim({"x_us": {"between": [2, 3]}}, below, repeat=repeat)
        yield claim(
            {"x_us": {"at_least": 1}, "kind": "a"}, below, rival({"kind": "b"}), repeat=repeat
        )
        yield claim({"x_us": {"at_least": 3}}, below, otp=">=26", repeat=repeat)
        moved = (when(">=26", {"x_us": {"at_most": 3}}), when("<26", {"kind": "a"}))
        yield claim({"x_us": {"at_least": 2}}, below, whens=moved, repeat=repeat)
        yield claim({"x_us": {"at_least": 1}}, rival({"x_us": 0}, otp=">=26"), repeat=repeat)


def observation(version: str, evidence: list[dict[str, Any]]) -> Observation:
    return judging.observation(*map(judging.sample, evidence), version=version)


def compared(
    ask: Ask, term: str, claim: Claim, seen: Observation, samples: tuple[str, ...]
) -> None:
    """Hold what the VM makes of evidence against what we make of it."""
    assert seen.build is not None
    ours = judge(claim, seen)
    listed = ", ".join(f"{{evidence, {one}}}" for one in samples)
    theirs = ask(f"{{judge, {term}, {text(seen.build.otp_version)}, [{listed}]}}")
    assert theirs == {
        "verdict": ours.verdict.value,
        "checks": [told(check.holds) for check in ours.checks],
        "rivals": [[told(check.holds) for check in rival.checks] for rival in ours.rivals],
        "more": not enough(claim, seen),
    }, (claim.name, seen.cells)


def changed(seen: Observation, seed: random.Random) -> Observation:
    """Return an observation in whose evidence a few values are other ones or gone."""
    evidence = msgspec.json.decode(msgspec.json.encode(seen.samples[0].evidence))
    for _ in range(seed.randint(1, 3)):
        _change(evidence, seed)
    return msgspec.structs.replace(
        seen, samples=(msgspec.structs.replace(seen.samples[0], evidence=evidence),)
    )


def _change(found: Any, seed: random.Random) -> None:
    keys = list(found) if isinstance(found, dict) else list(range(len(found)))
    if not keys:
        return
    key = seed.choice(keys)
    inner = found[key]
    if isinstance(inner, dict | list) and inner and seed.random() < 0.8:
        _change(inner, seed)
    elif seed.random() < 0.2:
        del found[key]
    elif isinstance(inner, bool):
        found[key] = not inner
    elif isinstance(inner, int | float):
        found[key] = seed.choice([inner + 1, inner - 1, -inner, inner * 1000, 0, 0.5])
    else:
        found[key] = seed.choice(["", "other", 0, [], {}, True])

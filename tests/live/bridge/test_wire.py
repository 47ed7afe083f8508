"""Every kind of term crosses the wire both ways unharmed, whoever made it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.bridge.messages import Context
from harness.bridge.terms import Atom, Bits, ImproperList, Opaque, Pairs, decode, encode
from harness.collect.node import Node

pytestmark = pytest.mark.live

EXAMPLES = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
bits = st.tuples(st.binary(max_size=5), st.integers(1, 7), st.integers(0, 255)).map(
    lambda made: Bits(made[0] + bytes([made[2] & (0xFF00 >> made[1]) & 0xFF]), made[1])
)
leaves: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.integers(-(2**3000), 2**3000),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
    st.binary(max_size=30),
    texts.filter(lambda name: name not in {"true", "false", "undefined"}).map(Atom),
    bits,
    st.lists(st.integers(0, 255), max_size=30),
)


def extend(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(inner, max_size=5)
    tails = leaves.filter(lambda tail: not isinstance(tail, list))
    keys = st.one_of(
        texts, texts.map(Atom).filter(lambda atom: atom.name not in {"true", "false", "undefined"})
    )
    return st.one_of(
        lists,
        lists.map(tuple),
        st.builds(
            lambda items, tail: ImproperList(tuple(items), tail),
            st.lists(inner, min_size=1, max_size=3),
            tails,
        ),
        st.dictionaries(keys, inner, max_size=5),
    )


terms = st.recursive(leaves, extend, max_leaves=25)


@pytest.fixture
def wire(lent_node: Node) -> Node:
    """Return a node that knows how to make terms."""
    lent_node.probe("good_probes", "none", {}, timeout_s=20)
    return lent_node


def raw(node: Node, module: str, function: str, args: list[Any], context: Context) -> Any:
    return node._opened().call(module, function, args, 20, context)


@EXAMPLES
@given(term=terms)
def test_terms_made_here_come_back(wire: Node, term: Any) -> None:
    """What Python makes, the VM reads, and sends back equal, in our context and in ErlPort's."""
    for context in (Context.TERM, Context.NEW):
        assert same(raw(wire, "lists", "last", [[term]], context), term)


def test_terms_made_by_the_vm_come_back(wire: Node) -> None:
    """What the VM makes, of every kind and nesting, Python reads and sends back identical."""
    for seed in range(200):
        term = raw(wire, "good_probes", "generate", [seed], Context.TERM)
        assert raw(wire, "good_probes", "same", [seed, term], Context.TERM) is True, seed
        assert same(decode(encode(term)), term)
        assert same(raw(wire, "good_probes", "generate", [seed], Context.NEW), term), seed


def test_what_only_a_vm_understands_comes_back(wire: Node) -> None:
    """Pids, references, ports and funs are kept as they came, in both contexts."""
    for context in (Context.TERM, Context.NEW):
        found = raw(wire, "good_probes", "opaque", [0], context)
        kinds = [item.kind if isinstance(item, Opaque) else item for item in found]
        assert kinds == ["pid", "reference", "port", "fun", "fun", Bits(b"\xa0", 3)]
        for item, check in zip(
            found, ("is_pid", "is_reference", "is_port", "is_function", "is_function"), strict=False
        ):
            assert raw(wire, "erlang", check, [item], context) is True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#{1 => a, 1.0 => b, true => c}", Pairs),
        ("#{#{a => 1} => 1, [1] => 2, {#{}} => 3}", Pairs),
        ("#{{1, a} => 1, <<1:1>> => 2}", Pairs),
        ("[1, 2 | [3]]", [1, 2, 3]),
        ("<<255>>", b"\xff"),
        ("-0.0", -0.0),
        ("lists:seq(1, 70000)", list(range(1, 70001))),
        ("list_to_tuple(lists:seq(1, 300))", tuple(range(1, 301))),
        ("1 bsl 8000", 2**8000),
    ],
)
def test_terms_that_are_easily_lost(wire: Node, text: str, expected: Any) -> None:
    """Keys that Python finds equal or cannot hash, long strings, wide tuples, big integers."""
    _, tokens, _ = raw(wire, "erl_scan", "string", [list(f"{text}.".encode())], Context.TERM)
    _, parsed = raw(wire, "erl_parse", "parse_exprs", [tokens], Context.TERM)
    _, value, _ = raw(wire, "erl_eval", "exprs", [parsed, []], Context.TERM)
    if isinstance(expected, type):
        assert isinstance(value, expected)
    else:
        assert same(value, expected)
    assert same(raw(wire, "lists", "last", [[value]], Context.TERM), value)


def same(one: Any, other: Any) -> bool:
    """Compare strictly: 1, 1.0 and True differ, and so do 0.0 and -0.0."""
    return strict(one) == strict(other)


def strict(term: Any) -> Any:  # noqa: PLR0911
    if isinstance(term, str):
        return ("str", term)
    if isinstance(term, bytes):  # made here, valid text comes back as such
        try:
            return ("str", term.decode())
        except UnicodeDecodeError:
            return ("bytes", term)
    if isinstance(term, list):
        return ("list", [strict(item) for item in term])
    if isinstance(term, tuple):
        return ("tuple", [strict(item) for item in term])
    if isinstance(term, dict):
        return strict(Pairs(tuple(term.items())))
    if isinstance(term, Pairs):
        pairs = [(strict(key), strict(value)) for key, value in term.items]
        return ("map", sorted(pairs, key=repr))
    if isinstance(term, ImproperList):
        return ("improper", [strict(item) for item in term.items], strict(term.tail))
    return (type(term).__name__, repr(term))

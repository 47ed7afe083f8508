"""Terms: plain values survive the external form, and nothing else gets through."""

from __future__ import annotations

import struct
import time
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bridge.guard import TermLimits
from harness.bridge.terms import Atom, Bits, ImproperList, Opaque, Pairs, decode, encode
from harness.errors import ProtocolError

SMALL = TermLimits(total_bytes=1000, depth=10, nodes=50, integer_bytes=20, free_integer_bytes=9)

plain: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
    .filter(lambda name: name not in {"true", "false", "undefined"})
    .map(Atom),
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(max_size=5), inner)
    ),
    max_leaves=15,
)


@given(term=plain)
def test_plain_values_survive(term: Any) -> None:
    """What is encoded decodes to the same."""
    assert decode(encode(term)) == term


@given(data=st.binary(max_size=60))
def test_garbage_is_refused_and_nothing_else_happens(data: bytes) -> None:
    """Any bytes are a term or a ProtocolError."""
    for candidate in (data, b"\x83" + data):
        try:
            decode(candidate, SMALL)
        except ProtocolError:
            continue


@given(term=plain, at=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_damage_is_refused_or_another_term(term: Any, at: int, byte: int) -> None:
    """One byte changed, or the end cut off, never raises anything but ProtocolError."""
    data = bytearray(encode(term))
    data[at % len(data)] = byte
    for candidate in (bytes(data), bytes(data[: at % len(data)])):
        try:
            decode(candidate)
        except ProtocolError:
            continue


@pytest.mark.parametrize(
    ("hexadecimal", "expected"),
    [
        ("6b0003616263", [97, 98, 99]),  # a string is a list of integers
        ("6d00000003616263", "abc"),
        ("6d00000002fffe", b"\xff\xfe"),
        ("64000161", Atom("a")),
        ("730161", Atom("a")),
        ("6400" + "01e4", Atom("ä")),  # Latin-1
        ("7702c3a4", Atom("ä")),  # UTF-8
        ("640004" + b"true".hex(), True),
        ("7709" + b"undefined".hex(), None),
        ("6c00000001610161026a"[:14] + "6102", ImproperList((1,), 2)),
        ("6c0000000161016c0000000161026a", [1, 2]),  # a proper list in two parts
        ("6c0000000161016b00020203", [1, 2, 3]),
        ("4d0000000103a0", Bits(b"\xa0", 3)),
        ("6e080000000000000000" + "80", 2**63),
        ("7400000002610161026101" + "6103", Pairs(((1, 2), (1, 3)))),
        ("74000000016c0000000161016a6102", Pairs((([1], 2),))),
        ("463ff8000000000000", 1.5),
        ("63" + b"1.50000000000000000000e+00".ljust(31, b"\0").hex(), 1.5),
        ("6a", []),
        ("6800", ()),
        ("7400000000", {}),
    ],
)
def test_each_form_has_its_value(hexadecimal: str, expected: Any) -> None:
    """Forms that are easily mistaken for one another keep their own type."""
    found = decode(b"\x83" + bytes.fromhex(hexadecimal))
    assert found == expected
    assert type(found) is type(expected)


def test_opaque_terms_are_kept_as_they_came() -> None:
    """Pids, ports, references and funs keep their bytes; ErlPort's wrapping is undone."""
    node = b"s\x01n"
    forms = {
        "pid": b"g" + node + bytes(9),
        "port": b"Y" + node + bytes(8),
        "reference": b"Z\x00\x02" + node + bytes(12),
        "fun": b"q" + node + node + b"a\x00",
    }
    for kind, data in forms.items():
        found = decode(b"\x83" + data)
        assert found == Opaque(kind, data)
        assert encode(found) == b"\x83" + data
        wrapped = encode((Atom("$erlport.opaque"), Atom("erlang"), data))
        assert decode(wrapped) == found


def test_keys_that_python_cannot_tell_apart_are_kept_apart() -> None:
    """A map of 1, 1.0 and true keeps its three keys."""
    pairs = Pairs(((1, Atom("a")), (1.0, Atom("b")), (True, Atom("c"))))
    found = decode(encode(pairs))
    assert isinstance(found, Pairs)
    assert [(type(key), value) for key, value in found.items] == [
        (int, Atom("a")),
        (float, Atom("b")),
        (bool, Atom("c")),
    ]


def nested(depth: int) -> bytes:
    return b"\x83" + b"h\x01" * depth + b"j"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "not a term"),
        (b"hello", "not a term: it begins with b'hello'"),
        (b"\x83", "cut short"),
        (b"\x83m\x00\x00\x00\x05abc", "cut short"),
        (b"\x83h\xff" + b"j" * 3, "more than 50 elements"),
        (b"\x83l\xff\xff\xff\xffj", "more than 50 elements"),
        (b"\x83k\x00\x64" + bytes(100), "more than 50 elements"),
        (b"\x83t\x00\x00\x00\x1a" + b"jj" * 26, "more than 50 elements"),
        (b"\x83" + b"j" * 2, "1 bytes follow a term"),
        (nested(100), "nested deeper than 10"),
        (b"\x83n\x20\x00" + bytes(32), "integers of more than 20 bytes"),
        (b"\x83" + bytes(1001), "a term of 1002 bytes, above 1000"),
        (b"\x83N\x00", "tag 78"),
        (b"\x83h\x01P\x00\x00\x00\x01", "tag 80"),
        (b"\x83y\x00", "tag 121"),
        (b"\x83F\x7f\xf0\x00\x00\x00\x00\x00\x00", "inf is no float of Erlang"),
        (b"\x83c" + b"nan".ljust(31, b"\0"), "nan is no float of Erlang"),
        (b"\x83M\x00\x00\x00\x00\x03", "a bitstring that has no last byte"),
        (b"\x83w\x02\xff\xfe", "not a term"),
        (b"\x83e" + b"d\x00\x01n" + bytes(4), "cut short"),
    ],
)
def test_what_breaks_a_limit_is_named(data: bytes, text: str) -> None:
    """Every limit has its own message."""
    with pytest.raises(ProtocolError) as caught:
        decode(data, SMALL)
    assert text in caught.value.message


def packed(announced: int, content: bytes) -> bytes:
    return b"\x83P" + struct.pack(">I", announced) + zlib.compress(content)


def test_compressed_terms_are_unpacked_within_the_limit() -> None:
    """A sound one is read; a bomb, a lie and damage are refused."""
    assert decode(packed(102, b"m\0\0\0\x61" + b"x" * 97), SMALL) == "x" * 97
    bomb = packed(500, bytes(50 * 1024**2))
    for data, text in (
        (packed(2**32 - 1, b"j"), "a compressed term of 4294967295 bytes, above 1000"),
        (bomb[:600], "not the size that it announces"),
        (packed(5, b"j"), "not the size that it announces"),
        (b"\x83P\x00\x00\x00\x05hello", "damaged"),
        (b"\x83P\x00", "cut short"),
    ):
        with pytest.raises(ProtocolError) as caught:
            decode(data, SMALL)
        assert text in caught.value.message
    with pytest.raises(ProtocolError):
        decode(bomb, TermLimits(total_bytes=10**6))


def test_many_large_integers_are_refused_together() -> None:
    """Each alone would pass; together they take too long to decode. Small ones are free."""
    two = b"h\x02" + 2 * (b"n\x09\x00" + bytes(9))
    assert decode(b"\x83" + two[:2].replace(b"\x02", b"\x01") + two[2:14], SMALL) == (0,)
    with pytest.raises(ProtocolError, match="integers of more than 20 bytes"):
        decode(b"\x83" + two, SMALL)
    many = b"l\x00\x00\x00\x14" + 20 * (b"n\x04\x00" + bytes(4)) + b"j"
    assert decode(b"\x83" + many, SMALL) == [0] * 20


def test_keys_that_python_would_find_slowly_take_no_time() -> None:
    """120,000 integers that all have one hash are pairs, never a dictionary's keys."""
    keys = [index * (2**61 - 1) for index in range(1, 120_001)]
    data = encode(Pairs(tuple((key, 0) for key in keys)))
    started = time.monotonic()
    found = decode(data)
    assert isinstance(found, Pairs)
    assert [key for key, _ in found.items] == keys
    assert time.monotonic() - started < 30


def test_a_term_100000_deep_is_refused_without_recursion() -> None:
    """Depth is measured, not suffered."""
    with pytest.raises(ProtocolError, match="nested deeper than 200"):
        decode(nested(100_000))


@pytest.mark.parametrize(
    "term",
    [
        float("inf"),
        float("nan"),
        object(),
        {1, 2},
        Atom("x" * 256),
        "\ud800",
        [object()],
        {"key": object()},
    ],
)
def test_what_erlang_does_not_have_is_not_sent(term: Any) -> None:
    """No value is sent that a VM could not read."""
    with pytest.raises(ValueError):  # noqa: PT011 - the kind is the promise
        encode(term)


def test_a_value_nested_too_deeply_is_not_sent() -> None:
    """Depth in what is sent is an error, not a crash."""
    term: Any = []
    for _ in range(100_000):
        term = [term]
    with pytest.raises(ValueError, match="nested too deeply"):
        encode(term)

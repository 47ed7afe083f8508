"""What is known of a claim before it is written: in words, as TOML, as the body of its probe.

Knows: the keys of a claim file, values of TOML. Must not know: files, folders.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.claims.expect import PredicateError, parse_predictions
from harness.claims.versions import range_problem
from harness.errors import InputError
from harness.run.cells import Json

STATEMENT = "TODO: one true sentence that a VM could prove wrong."
SOURCE = "https://www.erlang.org/doc/TODO"
WRONG = "TODO: the wrong belief, with what it predicts of the same evidence."
ABOUT = "TODO: one sentence on what this provokes."
BODY = """\
    %% TODO: provoke it, measure it, put the control beside it, and return #{found} and what
    %% else shows it. Until then the claim is inconclusive.
    error({{setup, todo}})"""

_KEY = re.compile(r"[a-z]\w*(?:\.[a-z]\w*)*")
_BARE = re.compile(r"[\w-]+")

Expect = Mapping[str, Json]
"""Predictions by key of the evidence, dots between the keys of nested maps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Hold a wrong belief and what it predicts."""

    statement: str
    expect: Expect


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Hold what is predicted instead on some releases, and why."""

    otp: str
    why: str
    expect: Expect


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Hold what is known of a claim; what is not says TODO, and keeps it from being confirmed.

    `probe` names the function, where it is not the claim's id; `body` is its Erlang text, empty
    where nobody has written it; `about` says what it provokes.
    """

    statement: str = STATEMENT
    sources: Sequence[str] = (SOURCE,)
    expect: Expect = field(default_factory=lambda: {"found_count": 1})
    rivals: Sequence[Rival] = ()
    whens: Sequence[When] = ()
    otp: str = ""
    flags: Sequence[str] = ()
    probe: str = ""
    body: str = ""
    about: str = ABOUT

    def toml(self, claim: str) -> str:
        """Return the claim's tables.

        Args:
            claim: its id.

        Raises:
            InputError: a prediction is none, or the range.
        """
        problem = range_problem(self.otp)
        if problem is not None:
            raise InputError(problem)
        return "\n".join(self._lines(claim)) + "\n"

    def erlang(self, probe: str) -> str:
        """Return the probe with its header.

        Args:
            probe: its name.
        """
        body = self.body or BODY.format(
            found="{" + ", ".join(f"{key} => ..." for key in self._keys()) + "}"
        )
        return "\n".join(
            [
                *(f"%% {line}" for line in self.about.splitlines()),
                f"%% Evidence: {', '.join(self._keys())}, TODO: what each of them is.",
                "%% Cost: TODO: how long it takes and what it allocates.",
                "%% Misread: TODO: how the evidence can mislead.",
                "%% Source: TODO: the page or file of OTP that says so.",
                f"-spec {probe}(map()) -> map().",
                f"{probe}(#{{}}) ->",
                f"{body}.",
                "",
            ]
        )

    def _keys(self) -> list[str]:
        return list(dict.fromkeys(key.partition(".")[0] for key in self.expect))

    def _lines(self, claim: str) -> Iterator[str]:
        yield "[[claim]]"
        yield f"id = {literal(claim)}"
        if self.probe and self.probe != claim.replace("-", "_"):
            yield f"probe = {literal(self.probe)}"
        if self.flags:
            yield f"flags = {literal(list(self.flags))}"
        if self.otp:
            yield f"otp = {literal(self.otp)}"
        yield f"statement = {literal(self.statement)}"
        yield f"sources = {literal(list(self.sources))}"
        yield from _expect(self.expect)
        for rival in self.rivals or (Rival(statement=WRONG, expect=contrary(self.expect)),):
            yield from ("", "[[claim.rival]]", f"statement = {literal(rival.statement)}")
            yield from _expect(rival.expect)
        for when in self.whens:
            yield from ("", "[[claim.when]]", f"otp = {literal(when.otp)}")
            yield f"why = {literal(when.why)}"
            yield from _expect(when.expect)


def contrary(expect: Expect) -> Expect:
    """Return another value for the first key that something is predicted of."""
    key, value = next(iter(expect.items()))
    return {key: _other(value)}


def prediction(text: str) -> tuple[str, Json]:
    """Read `KEY=VALUE`; a value is one of TOML, else text.

    Raises:
        InputError: it has not that shape.
    """
    key, sign, written = text.partition("=")
    key = key.strip()
    if not sign or not _KEY.fullmatch(key):
        raise InputError(
            f'"{text}" predicts nothing', hint="write KEY=VALUE, e.g. smallest_refc_binary_bytes=65"
        )
    try:
        value = tomllib.loads(f"value = {written}")["value"]
    except tomllib.TOMLDecodeError:
        value = written.strip()
    return key, value


def literal(value: Json) -> str:
    """Return a value as TOML writes it on one line."""
    match value:
        case dict():
            inner = ", ".join(f"{_key(key)} = {literal(one)}" for key, one in value.items())
            return f"{{ {inner} }}"
        case list():
            return f"[{', '.join(map(literal, value))}]"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case bool():
            return "true" if value else "false"
        case None:
            return literal("null")
    return repr(value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else literal(key)


def _expect(expect: Expect) -> list[str]:
    lines = [f"expect.{key} = {literal(value)}" for key, value in expect.items()]
    try:
        parse_predictions(tomllib.loads("\n".join(lines))["expect"], lambda _path: 0)
    except PredicateError as error:
        raise InputError(f"{'.'.join(error.path)}: {error.message}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the predictions exclude each other: {', '.join(expect)}") from error
    return lines


def _other(value: Json) -> Json:
    match value:
        case bool():
            return not value
        case int():
            return 0 if value else 1
        case float():
            return value + 1.0
        case str():
            return "TODO" if value != "TODO" else "other"
    return 0

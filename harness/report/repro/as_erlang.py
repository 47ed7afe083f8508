"""Claims as Erlang terms: what an escript judges with.

Knows: claims, the syntax of Erlang terms. Must not know: files, probes' sources, VMs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

from harness.authoring.probe_source import RESERVED
from harness.claims.expect import words
from harness.claims.model import Claim
from harness.claims.predicates import Op, Pattern, Predicate, Prediction, Table, is_number
from harness.judge.reasons import faulty
from harness.run.cells import Json, Need

_CORES = 2
_DEEP = 12
_DEEPER = 16
_PLAIN_ATOM = re.compile(r"[a-z][a-z0-9_]*")
_COMPARED = {"<": "lt", "<=": "le", "==": "eq", "!=": "ne", ">=": "ge", ">": "gt"}


def claim_term(claim: Claim) -> str:
    """Return a claim as the map that `repro_judge:judge/3` and `repro_run` take."""
    fields = {
        "name": text(claim.name),
        "statement": text(claim.statement),
        "about": text(claim.otp),
        "otp": range_term(claim.otp),
        "call": _call(claim),
        "repeat": str(claim.repeat),
        "unfit": text(faulty(claim)) if claim.unfinished or claim.faults else text(""),
        "expect": predictions(claim.expect),
        "whens": _lines(
            f"{{{text(when.otp)}, {range_term(when.otp)}, {predictions(when.expect, _DEEPER)}}}"
            for when in claim.whens
        ),
        "rivals": _lines(
            f"{{{text(rival.statement)}, {range_term(rival.otp)},"
            f" {predictions(rival.expect, _DEEPER)}}}"
            for rival in claim.rivals
        ),
    }
    return "#{\n" + ",\n".join(f"        {key} => {one}" for key, one in fields.items()) + "\n    }"


def _call(claim: Claim) -> str:
    fields = {
        "module": atom(claim.module),
        "function": atom(claim.probe),
        "args": _args(dict(claim.args)),
        "flags": _list(f"{_string(flag)}" for flag in claim.flags),
        "timeout_ms": str(round(claim.timeout_s * 1000)),
        "cores": str(_CORES if Need.CORES in claim.needs else 1),
        "applications": _list(atom(name) for name in sorted(claim.applications)),
    }
    return "#{" + ", ".join(f"{key} => {value}" for key, value in fields.items()) + "}"


def predictions(found: Iterable[Prediction], indent: int = _DEEP) -> str:
    """Return predictions as `[{Path, Words, Leaf}]`, a line each."""
    parts = (
        f"{{{_list(map(text, one.path))}, {text(words(one.leaf))}, {pattern(one.leaf)}}}"
        for one in found
    )
    return _lines(parts, indent)


def pattern(found: Pattern) -> str:
    """Return a pattern: `[{Name, Operand}]`, or `{table, [{Key, Pattern}]}`."""
    if isinstance(found, Table):
        entries = (f"{{{text(key)}, {pattern(one)}}}" for key, one in found.entries)
        return f"{{table, {_list(entries)}}}"
    return _list(map(_predicate, found.predicates))


def _predicate(found: Predicate) -> str:
    if found.inner is not None:
        return f"{{{found.op}, {pattern(found.inner)}}}"
    if found.op is Op.APPROX and is_number(found.operand):
        return f"{{approx, {{{value(found.operand)}, {value(found.tolerance)}}}}}"
    if found.op in {Op.MATCHES, Op.SEARCH}:
        return f"{{{found.op}, {text(_regex(str(found.operand)))}}}"
    return f"{{{found.op}, {value(found.operand)}}}"


def _regex(python: str) -> str:
    """Return a regular expression of Python as PCRE has it: what ends a text is named otherwise."""
    return re.sub(r"\\(.)", lambda it: r"\z" if it[1] == "Z" else it[0], python, flags=re.DOTALL)


def range_term(specifier: str) -> str:
    """Return a range of OTP versions as `repro_versions:matches/2` takes it."""
    return _list(part for one in sorted(SpecifierSet(specifier), key=str) for part in _parts(one))


def _parts(one: Specifier) -> Iterable[str]:
    if one.version.endswith(".*"):
        name = "below" if one.operator == "==" else "not_below"
        yield f"{{{name}, {_list(one.version[:-2].split('.'))}}}"
        return
    if one.operator == "~=":
        release = Version(one.version).release
        yield f"{{ge, {version_term(one.version)}}}"
        yield f"{{below, {_list(map(str, release[:-1]))}}}"
        return
    yield f"{{{_COMPARED[one.operator.replace('===', '==')]}, {version_term(one.version)}}}"


def version_term(version: str) -> str:
    """Return a version as `{Numbers, final | {Kind, Number}}`."""
    parsed = Version(version)
    early = "final" if parsed.pre is None else f"{{{parsed.pre[0]}, {parsed.pre[1]}}}"
    return f"{{{_list(map(str, parsed.release))}, {early}}}"


def value(found: Json) -> str:
    """Return a plain value: text is a binary, keys are text."""
    match found:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[found]
        case float():
            return _float(found)
        case str():
            return text(found)
        case list():
            return _list(map(value, found))
        case dict():
            return _map({text(key): value(one) for key, one in found.items()})
        case _:
            return str(found)


def _args(found: Json) -> str:
    """Return what a probe is given: maps have atoms as keys, as the harness hands them over."""
    if isinstance(found, dict):
        return _map({atom(key): _args(one) for key, one in found.items()})
    if isinstance(found, list):
        return _list(map(_args, found))
    return value(found)


def _float(found: float) -> str:
    """Return a float that Erlang reads as the same: with a point, whatever its exponent."""
    mantissa, _, exponent = repr(found).partition("e")
    point = mantissa if "." in mantissa else f"{mantissa}.0"
    return f"{point}e{int(exponent)}" if exponent else point


def text(found: str) -> str:
    """Return text as a binary."""
    plain = "" if found.isascii() else "/utf8"
    return f"<<{_string(found)}{plain}>>"


def atom(name: str) -> str:
    """Return an atom, quoted where it must be."""
    if _PLAIN_ATOM.fullmatch(name) and name not in RESERVED:
        return name
    return "'" + _escaped(name, "'") + "'"


def _string(found: str) -> str:
    return '"' + _escaped(found, '"') + '"'


def _escaped(found: str, quote: str) -> str:
    return "".join(_character(one, quote) for one in found)


def _character(one: str, quote: str) -> str:
    if one in {quote, "\\"}:
        return f"\\{one}"
    return one if one.isprintable() else f"\\x{{{ord(one):x}}}"


def _list(items: Iterable[str]) -> str:
    return f"[{', '.join(items)}]"


def _lines(items: Iterable[str], indent: int = _DEEP) -> str:
    """Return a list with a line an item."""
    shown = list(items)
    below = "\n" + " " * indent
    return f"[{below}{f',{below}'.join(shown)}{below[:-4]}]" if shown else "[]"


def _map(items: Mapping[str, str]) -> str:
    return "#{" + ", ".join(f"{key} => {one}" for key, one in items.items()) + "}"

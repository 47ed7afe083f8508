"""A file that anyone with an `erl` can run: claims, their probes' sources, and what judges them.

Knows: claims, Erlang sources by module. Must not know: where sources come from, VMs.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

from harness import __version__
from harness.authoring.slices import Place, sliced
from harness.claims.model import Claim
from harness.errors import InputError
from harness.report.repro.as_erlang import claim_term
from harness.run.cells import Need

_MAIN = "main.escript"
_RUN = ("repro_run", "main")
_LEFT_OUT = frozenset({"probe_state", "probe_crossref"})
"""What compares a node before and after: each call of an escript has a VM of its own."""

_WIDTH = 98
_UNMET = {
    Need.NIF: "it needs native code, which is built for each VM",
    Need.DOCKER: "it needs a container's limits",
    Need.OTHER_RELEASE: "it needs a second release beside the first",
}


def why_not(claim: Claim) -> str | None:
    """Return why a claim has no such file, None where it has one."""
    if claim.held.given:
        return f"it needs limits from outside ({claim.held})"
    return next((reason for need, reason in _UNMET.items() if need in claim.needs), None)


def escript(claims: Sequence[Claim], sources: Mapping[str, str]) -> str:
    """Return the text of an escript that runs some claims of one skill.

    Args:
        claims: at least one, none of which `why_not` has anything against.
        sources: the texts of the skill's modules, and of those that every probe may use, by name.

    Raises:
        InputError: a claim's probe is not among the sources, or the claim can have no such file.
    """
    for claim in claims:
        _refuse(claim, sources)
    roots: list[Place] = [(claim.module, claim.probe) for claim in claims]
    own = _template()
    modules = sliced(
        {name: text for name, text in {**sources, **own}.items() if name not in _LEFT_OUT},
        [*roots, _RUN],
    )
    parts = [_header(claims), _claims(claims), _main()]
    parts += [_block(name, own.get(name, modules[name])) for name in _ordered(modules, claims)]
    return "\n".join(parts)


def _refuse(claim: Claim, sources: Mapping[str, str]) -> None:
    if (reason := why_not(claim)) is not None:
        raise InputError(
            f"{claim.name} cannot be shown by one file: {reason}",
            hint=f"beamproof verify --claim '{claim.name}' runs it",
        )
    if claim.module not in sources:
        raise InputError(f"{claim.place}: there is no probe module {claim.module}")
    probe = re.compile(rf"^{re.escape(claim.probe)}\(", re.MULTILINE)
    if probe.search(sources[claim.module]) is None:
        raise InputError(f"{claim.place}: {claim.module} has no function {claim.probe}/1")


def _ordered(modules: Iterable[str], claims: Sequence[Claim]) -> list[str]:
    """Return the names of modules as one reads them: the probe's own, what it uses, what judges."""
    skill = claims[0].module

    def rank(name: str) -> tuple[bool, bool, str]:
        return name.startswith("repro_"), not name.startswith(skill), name

    return sorted(modules, key=rank)


def _header(claims: Sequence[Claim]) -> str:
    lines = ["#!/usr/bin/env escript", "%% -*- coding: utf-8 -*-", "%%! -noinput", "%%"]
    lines += [f"%% {line}".rstrip() for line in _said(claims)]
    return "\n".join(lines) + "\n"


def _said(claims: Sequence[Claim]) -> Iterator[str]:
    first = claims[0]
    if len(claims) == 1:
        yield from textwrap.wrap(first.statement, _WIDTH)
        yield ""
        yield f"This is the claim {first.name} of beamproof {__version__}."
        yield f"Releases: OTP {_releases(first)}."
        yield from (f"Source: {source}" for source in first.sources)
        if Need.MEMORY in first.needs:
            yield "It takes gigabytes of memory or disk."
    else:
        yield f"{len(claims)} claims of the skill {first.skill} of beamproof {__version__}:"
        yield from (f"  {claim.id}" for claim in claims)
    yield ""
    yield from _HOW.splitlines()


_HOW = """\
Run it with any Erlang/OTP from 24 to 29 on a Unix:

  escript THIS_FILE [--json] [--list] [CLAIM...]

It starts a second VM with the flags that the claim names, calls the probe there (its control is
in it), prints the evidence, and holds it against what the claim and each wrong belief beside it
predict. Exit code: 0 confirmed, 1 refuted, 2 inconclusive, 3 nothing to say of this release.

A probe is a program: it has your rights. What it does stands below, after the predictions:
every line behind "%| " is Erlang source, which is compiled by your own compiler. The modules
repro_*.erl judge, those named probe_*.erl start VMs and measure, the others are the probe."""


def _releases(claim: Claim) -> str:
    return f"{claim.otp} (elsewhere it must not hold)" if claim.otp else "24 to 29"


def _claims(claims: Sequence[Claim]) -> str:
    return "claims() ->\n    [" + ",\n    ".join(map(claim_term, claims)) + "].\n"


def _main() -> str:
    return (files(__package__) / "template" / _MAIN).read_text(encoding="utf-8")


def _block(name: str, text: str) -> str:
    lines = (f"%| {line}" if line else "%|" for line in text.splitlines())
    return f"%= {name}.erl\n" + "\n".join(lines) + "\n"


@lru_cache(maxsize=1)
def _template() -> Mapping[str, str]:
    folder = files(__package__) / "template"
    return {
        entry.name.removesuffix(".erl"): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".erl")
    }

"""Which functions of a skill's modules its probes reach.

Knows: as much of Erlang's syntax as that takes. Must not know: what the functions do. A name that
is mentioned counts as called.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.authoring.probe_source import Function, blanked, functions
from harness.claims.model import Skill

_MACRO = re.compile(r"^-define\(\s*(?P<name>\w+)\s*,\s*(?P<module>[a-z]\w*)\s*\)\.", re.MULTILINE)
_MENTION = re.compile(r"(?:(?P<module>\??\w+):)?\b(?P<name>[a-z]\w*)\s*[(/]")

Place = tuple[str, str]
"""Module and name of a function."""


def claims_reaching(
    skill: Skill, own: Mapping[str, str]
) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Return for each function the claims whose probe reaches it, by module and name.

    Args:
        skill: whose claims.
        own: the text of the skill's modules, by name.
    """
    calls = {
        (module, function.name): _calls(module, plain, function, own)
        for module, plain in ((name, blanked(text)) for name, text in own.items())
        for function in functions(plain)
    }
    reached: dict[Place, list[str]] = {}
    for claim in skill.claims:
        wanted = {(skill.module, claim.probe)}
        seen: set[Place] = set()
        while wanted:
            function = wanted.pop()
            seen.add(function)
            wanted |= calls.get(function, set()) - seen
        for function in seen:
            reached.setdefault(function, []).append(claim.id)
    return {function: tuple(claims) for function, claims in reached.items()}


def _calls(
    module: str, plain: str, function: Function, own: Mapping[str, str]
) -> set[tuple[str, str]]:
    macros = {found["name"]: found["module"] for found in _MACRO.finditer(plain)}
    found = set()
    for mention in _MENTION.finditer(plain, function.start, function.end):
        where = mention["module"] or module
        where = macros.get(where[1:], module) if where.startswith("?") else where
        if where in own:
            found.add((where, mention["name"]))
    return found

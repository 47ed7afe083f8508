"""Variants made by machine: one act, one option or one number at a time taken out of a probe.

Knows: as much of Erlang's syntax as that takes, which functions a probe reaches. Must not know: how
variants are run. What survives is for a person to read: not every act is of the essence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from harness.authoring.probe_source import Function, blanked, functions
from harness.authoring.reach import claims_reaching
from harness.claims.model import Skill
from harness.claims.sabotage import Sources, Variant

_STATEMENT = re.compile(
    r"(?P<before>(?:^|->|,|\[|\bbegin\b|\bof\b|\bafter\b|\btry\b)\s*)"
    r"(?:(?P<result>_\w*|true|ok)\s*=\s*)?"
    r"(?P<call>(?:\??\w+:)?[a-z]\w*\()",
    re.MULTILINE,
)
_SEND = re.compile(r"\b[A-Z]\w*\s*!\s*[^\s,;.][^\n]*?(?=[,;]?[ \t]*$)", re.MULTILINE)
_BEHIND_STATEMENT = re.compile(r"\s*(?:[,;.]|$|\bend\b)")
_BEHIND_ELEMENT = re.compile(r"\s*\|\|")
_NUMBER = re.compile(r"(?<=[(,\[ ])(?P<number>\d[\d_]*)(?=\s*[),\]])")
_LIST = re.compile(r"\[[^\[\]]*\]")
_OPTION = re.compile(r"\s*(?:[a-z]\w*|\{[a-z]\w*,[^{}]*\})\s*")
_OPENING, _CLOSING = "([{", ")]}"
_LEAST_NUMBER = 2

_HARMLESS = frozenset(
    """all any abs atom_to_binary atom_to_list await binary_to_list bit_size byte_size element error
    exports filter foldl format from_list get hd info integer_to_binary integer_to_list
    iolist_to_binary is_process_alive keyfind keys last length list_to_atom list_to_binary
    list_to_tuple lookup make_ref map max median member memory merge min module_info monotonic_time
    nth process_info reverse round samples self seq settle size sort sum system_info text throw tl
    to_list trunc tuple_size tuple_to_list until usort value_within with without zip
    float""".split()  # noqa: SIM905  words read better than a column
)
"""Calls that only look or reckon: without them a probe has nothing to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """Hold a place of one module, what stands there instead, and what that is called."""

    start: int
    end: int
    new: str
    said: str


def auto_variants(skill: Skill, sources: Sources) -> Iterator[Variant]:
    """Yield variants of everything that the probes of a skill reach in the skill's own modules.

    Args:
        skill: whose claims.
        sources: all probe modules, by name.
    """
    own = {name: text for name, text in sources.items() if name.startswith(skill.module)}
    reached = claims_reaching(skill, own)
    for module, text in own.items():
        plain = blanked(text)
        numbers: Counter[int] = Counter()
        for function in functions(plain):
            claims = reached.get((module, function.name), ())
            for cut in _cuts(text, plain, function) if claims else ():
                line = text.count("\n", 0, cut.start) + 1
                changed = text[: cut.start] + cut.new + text[cut.end :]
                numbers[line] += 1
                suffix = f"#{numbers[line]}" if numbers[line] > 1 else ""
                yield Variant(
                    id=f"{module}.erl:{line}{suffix}",
                    claims=claims,
                    why=cut.said,
                    clause=cut.said,
                    sources={module: changed},
                    line=line,
                )


def _cuts(text: str, plain: str, function: Function) -> Iterator[_Cut]:
    yield from _acts(text, plain, function)
    yield from _options(text, plain, function)
    yield from _numbers(text, plain, function)


def _acts(text: str, plain: str, function: Function) -> Iterator[_Cut]:
    for found in _STATEMENT.finditer(plain, function.body, function.end):
        name = found["call"].rpartition(":")[2].rstrip("(")
        start, end = found.start("call"), _closed(plain, found.end("call") - 1)
        goes_on = _BEHIND_ELEMENT if found["before"].startswith("[") else _BEHIND_STATEMENT
        ends_statement = goes_on.match(plain, end) is not None
        if name in _HARMLESS or not ends_statement:
            continue
        given = found["result"] if found["result"] in {"true", "ok"} else "ok"
        yield _Cut(start=start, end=end, new=given, said=f"{_short(text[start:end])} -> {given}")
    for found in _SEND.finditer(plain, function.body, function.end):
        said = f"{_short(text[found.start() : found.end()])} -> ok"
        yield _Cut(start=found.start(), end=found.end(), new="ok", said=said)


def _options(text: str, plain: str, function: Function) -> Iterator[_Cut]:
    for found in _LIST.finditer(plain, function.body, function.end):
        items = list(_items(plain, found.start() + 1, found.end() - 1))
        if not items or not all(_OPTION.fullmatch(plain, *span) for span in items):
            continue
        for at, (start, end) in enumerate(items):
            rest = [text[first:last].strip() for n, (first, last) in enumerate(items) if n != at]
            said = f"{_short(text[found.start() : found.end()])} without {text[start:end].strip()}"
            new = f"[{', '.join(rest)}]"
            yield _Cut(start=found.start(), end=found.end(), new=new, said=said)


def _numbers(text: str, plain: str, function: Function) -> Iterator[_Cut]:
    for found in _NUMBER.finditer(plain, function.body, function.end):
        if int(found["number"]) >= _LEAST_NUMBER:
            line = text[text.rfind("\n", 0, found.start()) + 1 :].partition("\n")[0]
            said = f"{found['number']} -> 0 in {_short(line)}"
            yield _Cut(start=found.start(), end=found.end(), new="0", said=said)


def _items(plain: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    depth, first = 0, start
    for at in range(start, end):
        depth += (plain[at] in _OPENING) - (plain[at] in _CLOSING)
        if plain[at] == "," and depth == 0:
            yield first, at
            first = at + 1
    if plain[start:end].strip():
        yield first, end


def _closed(plain: str, opening: int) -> int:
    """Return behind which character a bracket that opens is closed."""
    depth = 0
    for at in range(opening, len(plain)):
        depth += (plain[at] in _OPENING) - (plain[at] in _CLOSING)
        if depth == 0:
            return at + 1
    return len(plain)


def _short(text: str) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= 60 else f"{folded[:59]}…"  # noqa: PLR2004  a line in a terminal

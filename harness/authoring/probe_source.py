"""What stands in a probe module's source: exports, specs, the comment before each probe.

Knows: as much of Erlang's syntax as that takes. Must not know: claims. It never rejects a file:
the compiler of the release under test does that.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# What may hide brackets and full stops from the parser: comments, text, atoms, characters.
OPAQUE = re.compile(
    r"""%[^\n]* | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\\n])*' | \$(?:\\.|[^\n])""",
    re.DOTALL | re.VERBOSE,
)
_EXPORT = re.compile(r"^-export\(\s*\[(?P<list>[^]]*)\]\s*\)\s*\.", re.MULTILINE)
_ARITY = re.compile(r"(?P<name>[a-z]\w*)\s*/\s*(?P<arity>\d+)")
_BEHAVIOUR = re.compile(r"^-behaviou?r\(\s*(?P<name>[a-z]\w*)\s*\)\s*\.", re.MULTILINE)
_SPEC = re.compile(r"^-spec\s+(?P<name>[a-z]\w*)\s*\(", re.MULTILINE)
_FUNCTION = re.compile(r"^(?P<name>[a-z]\w*)\s*\(", re.MULTILINE)
_FORM_END = re.compile(r"\.[ \t]*$", re.MULTILINE)
_COMMENT = re.compile(r"[ \t]*%")

RESERVED = frozenset(
    {
        *("after", "and", "andalso", "band", "begin", "bnot", "bor", "bsl", "bsr", "bxor", "case"),
        *("catch", "cond", "div", "else", "end", "fun", "if", "let", "maybe", "not", "of", "or"),
        *("orelse", "receive", "rem", "try", "when", "xor"),
    }
)
"""The words of Erlang that are no atoms without quotes."""


_ANY_SERVER = frozenset(
    {("init", 1), ("terminate", 2), ("code_change", 3), ("format_status", 1), ("format_status", 2)}
)
CALLBACKS = {
    "gen_server": _ANY_SERVER
    | {("handle_call", 3), ("handle_cast", 2), ("handle_info", 2), ("handle_continue", 2)},
    "gen_event": _ANY_SERVER | {("handle_call", 2), ("handle_event", 2), ("handle_info", 2)},
    "gen_statem": _ANY_SERVER
    | {("callback_mode", 0), ("handle_event", 4), ("terminate", 3), ("code_change", 4)},
    "supervisor": frozenset({("init", 1)}),
    "supervisor_bridge": frozenset({("init", 1), ("terminate", 2)}),
    "application": frozenset(
        {("start", 2), ("stop", 1), ("prep_stop", 1), ("start_phase", 3), ("config_change", 3)}
    ),
}
"""What OTP's behaviours call in a module, by name and arity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Hold one exported function.

    `line` is that of its definition (of the export, if it has none), `doc` the comment directly
    before it without the percent signs, `source` the text from the comment to its end.
    """

    name: str
    arity: int
    line: int
    doc: str
    source: str
    has_spec: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeModule:
    """Hold one module's exported functions, in the order of its export list.

    `callbacks` are those, by name and arity, that a behaviour of the module calls; `sha256` is that
    of the file.
    """

    path: Path
    name: str
    sha256: str
    probes: tuple[Probe, ...]
    callbacks: frozenset[tuple[str, int]] = frozenset()

    def probe(self, name: str) -> Probe | None:
        """Return an exported function by name, that of one argument if there are several."""
        named = [probe for probe in self.probes if probe.name == name]
        return next((one for one in named if one.arity == 1), named[0] if named else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """Hold where one function stands in a source: its first clause, its first body, its end."""

    name: str
    start: int
    body: int
    end: int


def blanked(text: str) -> str:
    """Return a source with spaces for comments, text, quoted atoms and characters."""
    return OPAQUE.sub(_blank, text)


def functions(plain: str) -> tuple[Function, ...]:
    """Return all functions of a blanked source, in order."""
    found: list[Function] = []
    for head in _FUNCTION.finditer(plain):
        if found and head.start() < found[-1].end:
            continue  # a further clause
        form_end = _FORM_END.search(plain, head.start())
        end = form_end.end() if form_end else len(plain)
        arrow = plain.find("->", head.end(), end)
        body = arrow if arrow >= 0 else head.end()
        found.append(Function(name=head["name"], start=head.start(), body=body, end=end))
    return tuple(found)


def supports_probes(name: str, skills: Iterable[str]) -> bool:
    """Tell a module that supports probes: `probe_lib`, or `x_lib` where `x` is a skill's."""
    return name.startswith(("probe_", *(f"{skill}_" for skill in skills)))


def read_module(path: Path) -> ProbeModule:
    """Read the exported functions of a module.

    Raises:
        OSError: the file cannot be read.
    """
    return parse_module(path, path.read_bytes())


def parse_module(path: Path, content: bytes) -> ProbeModule:
    """Return the exported functions of a module from its text, wherever that was kept."""
    text = content.decode("utf-8", "replace")
    plain = blanked(text)
    specs = {found["name"]: found.start() for found in reversed(list(_SPEC.finditer(plain)))}
    functions = {
        found["name"]: found.start() for found in reversed(list(_FUNCTION.finditer(plain)))
    }
    probes = []
    for export in _EXPORT.finditer(plain):
        for item in _ARITY.finditer(plain, export.start("list"), export.end("list")):
            name = item["name"]
            start = functions.get(name, item.start())
            top = min(start, specs.get(name, start))
            probes.append(
                Probe(
                    name=name,
                    arity=int(item["arity"]),
                    line=text.count("\n", 0, start) + 1,
                    doc=_doc(text, top) if name in functions else "",
                    source=_source(text, plain, top, start) if name in functions else "",
                    has_spec=name in specs,
                )
            )
    behaviours = [found["name"] for found in _BEHAVIOUR.finditer(plain)]
    callbacks = frozenset().union(*(CALLBACKS.get(name, ()) for name in behaviours))
    return ProbeModule(
        path=path,
        name=path.stem,
        sha256=hashlib.sha256(content).hexdigest(),
        probes=tuple(probes),
        callbacks=callbacks,
    )


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found.group())


def comment_start(text: str, top: int) -> int:
    """Return where the comment directly before a form begins."""
    while top > 0:
        line = text.rfind("\n", 0, top - 1) + 1
        if not _COMMENT.match(text, line, top):
            break
        top = line
    return top


def _doc(text: str, top: int) -> str:
    comment = text[comment_start(text, top) : top]
    return "\n".join(line.strip().lstrip("%").strip() for line in comment.splitlines())


def _source(text: str, plain: str, top: int, start: int) -> str:
    end = _FORM_END.search(plain, start)
    return text[comment_start(text, top) : end.end() if end else len(text)].rstrip()

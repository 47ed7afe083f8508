"""The part of some Erlang modules that a function can reach: what a reader of it must have.

Knows: as much of Erlang's syntax as that takes. Must not know: claims, VMs. A name that is
mentioned counts as called, so a part may hold more than is needed, and never less; only what a
program makes of text at run time would be missed. What `-ignore_xref` or a behaviour says is called
back stays.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from harness.authoring.probe_source import CALLBACKS, OPAQUE, blanked, comment_start

Place = tuple[str, str]
"""Module and name of a function; an empty module is any that has such a function."""

_ANYWHERE = ""
_FORM_END = re.compile(r"\.[ \t]*(?:\n|$)")
_ATTRIBUTE = re.compile(r"-\s*(?P<kind>[a-z_]+)\b\s*\(?\s*(?P<name>\??\w+)?")
_HEAD = re.compile(r"(?P<name>[a-z]\w*)\s*\(")
_MENTION = re.compile(
    r"(?:(?P<module>\??[A-Za-z_]\w*)\s*:\s*)?(?<![\w?#])(?P<name>[a-z]\w*)(?P<call>\s*[(/])?"
)
_MACRO = re.compile(r"\?(?P<name>\w+)")
_EXPORTED = re.compile(r"(?P<name>[a-z]\w*)\s*/\s*(?P<arity>\d+)")
_EXPORTS = frozenset({"export", "export_type"})
_TYPES = frozenset({"type", "opaque"})
_DROPPED = frozenset({"ignore_xref"})
_CALLED_BACK = frozenset().union(*CALLBACKS.values())
_WIDTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """Hold one form: what it is, of which name, and its text with the comment before it."""

    kind: str
    name: str
    text: str
    functions: frozenset[Place]
    names: frozenset[str]
    macros: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Module:
    name: str
    forms: tuple[_Form, ...]
    functions: frozenset[str]
    exported: frozenset[str]
    called_back: frozenset[str]
    behaves: bool


def sliced(sources: Mapping[str, str], roots: Iterable[Place]) -> Mapping[str, str]:
    """Return the text of the modules that some functions reach, without what they do not reach.

    Args:
        sources: the texts of modules by name; what is not among them is the VM's own.
        roots: the functions, as pairs of module and name.

    Returns:
        Texts by module, in the order of the names. What is kept is as it was written, with the
        comments before it; lists of exports are shortened.
    """
    known = frozenset(sources)
    modules = {name: _parsed(name, text, known) for name, text in sources.items()}
    kept = _reached(modules, roots)
    return {name: _text(modules[name], kept[name]) for name in sorted(kept)}


def _reached(
    modules: Mapping[str, _Module], roots: Iterable[Place]
) -> Mapping[str, frozenset[int]]:
    """Return the places of the forms that are kept, by module."""
    wanted: set[Place] = set(roots)
    names: set[str] = {module for module, _ in wanted}
    macros: dict[str, set[str]] = defaultdict(set)
    kept: dict[str, set[int]] = defaultdict(set)
    grown = True
    while grown:
        grown = False
        for name in sorted(names & modules.keys()):
            module = modules[name]
            for at, form in enumerate(module.forms):
                if at in kept[name] or not _is_wanted(form, module, wanted, macros[name]):
                    continue
                grown = True
                kept[name].add(at)
                wanted |= form.functions
                names |= form.names
                macros[name] |= form.macros
        if not grown:
            callers = _callers_of_orphans(modules, kept) - wanted
            wanted |= callers
            grown = bool(callers)
    return {name: frozenset(forms) for name, forms in kept.items()}


def _callers_of_orphans(modules: Mapping[str, _Module], kept: Mapping[str, set[int]]) -> set[Place]:
    """Return who calls kept functions that are neither exported nor called by what is kept.

    They were handed on by name, and a compiler drops them with their last caller.
    """
    found: set[Place] = set()
    for name, forms in kept.items():
        module = modules[name]
        functions = [(at, form) for at, form in enumerate(module.forms) if form.kind == "function"]
        for at, form in functions:
            if at not in forms or form.name in module.exported:
                continue
            calling = [
                (it, other.name)
                for it, other in functions
                if it != at and (name, form.name) in other.functions
            ]
            if not any(it in forms for it, _ in calling):
                found |= {(name, caller) for _, caller in calling}
    return found


def _is_wanted(form: _Form, module: _Module, wanted: set[Place], macros: set[str]) -> bool:
    match form.kind:
        case "function" | "spec":
            asked = {(module.name, form.name), (_ANYWHERE, form.name)}
            called_back = module.behaves or form.name in module.called_back
            return called_back or not wanted.isdisjoint(asked)
        case "define":
            return form.name in macros
        case kind if kind in _TYPES:
            return (module.name, f"{form.name}()") in wanted
        case kind:
            return kind not in _DROPPED


@lru_cache(maxsize=512)  # a site slices the same modules for claim after claim
def _parsed(name: str, text: str, known: frozenset[str]) -> _Module:
    plain = blanked(text)
    spans = tuple(_spans(text, plain))
    functions = frozenset(
        head["name"] for _, start, _ in spans if (head := _HEAD.match(plain, start))
    )
    constants = _constants(text, spans)
    forms = tuple(_form(text, span, _Names(name, functions, known, constants)) for span in spans)
    behaves = any(form.kind == "behaviour" for form in forms)
    exported = frozenset(found["name"] for found in _exports_of(text))
    return _Module(name, forms, functions, exported, _called_back(text), behaves)


def _exports_of(text: str) -> Iterator[re.Match[str]]:
    for one in re.findall(r"^-export\(\[([^]]*)\]\)", text, re.MULTILINE):
        yield from _EXPORTED.finditer(one)


def _called_back(text: str) -> frozenset[str]:
    """Return the functions of a module that are called from where nobody names them.

    `-ignore_xref` says so, and what is exported by the name of a callback of OTP's, with or without
    the behaviour.
    """
    lists = re.findall(r"^-ignore_xref\(\[([^]]*)\]\)", text, re.MULTILINE)
    said = {name for one in lists for name in re.findall(r"\{\s*([a-z]\w*)\s*,", one)}
    called = {found["name"] for found in _exports_of(text)
              if (found["name"], int(found["arity"])) in _CALLED_BACK}  # fmt: skip
    return frozenset(said | called)


def _spans(text: str, plain: str) -> Iterator[tuple[int, int, int]]:
    """Yield each form as the start of the comment before it, its own start, and its end."""
    at = 0
    while (found := re.compile(r"\S").search(plain, at)) is not None:
        ended = _FORM_END.search(plain, found.start())
        line_end = len(text) if ended is None else text.find("\n", ended.start())
        end = len(text) if line_end < 0 else line_end
        yield comment_start(text, found.start()), found.start(), end
        at = end


@dataclass(frozen=True, slots=True)
class _Names:
    """Hold what the names in a module may mean: its own functions, modules, macros."""

    module: str
    functions: frozenset[str]
    known: frozenset[str]
    constants: Mapping[str, str]


def _constants(text: str, spans: Iterable[tuple[int, int, int]]) -> dict[str, str]:
    """Return the macros that stand for one atom."""
    define = re.compile(r"-define\(\s*(\w+)\s*,\s*([a-z]\w*)\s*\)\.")
    found = (define.match(text, start) for _, start, _ in spans)
    return {one[1]: one[2] for one in found if one is not None}


def _form(text: str, span: tuple[int, int, int], names: _Names) -> _Form:
    top, start, end = span
    shown = text[top:end]
    code = OPAQUE.sub(_without_comment, text[start:end])  # what stands in text may be a name, too
    kind, name = "function", ""
    if code.startswith("-"):
        attribute = _ATTRIBUTE.match(code)
        kind = attribute["kind"].replace("behavior", "behaviour") if attribute else ""
        name = (attribute["name"] or "") if attribute else ""
    elif head := _HEAD.match(code):
        name = head["name"]
    if kind in _EXPORTS or kind in _DROPPED or kind == "module":
        return _Form(kind=kind, name=name, text=shown, functions=frozenset(), names=frozenset(),
                     macros=frozenset())  # fmt: skip
    macros = frozenset(found["name"] for found in _MACRO.finditer(code))
    if kind in {"spec", "type", "opaque", "callback", "record"}:
        types = frozenset((names.module, f"{found['name']}()") for found in _HEAD.finditer(code))
        return _Form(kind=kind, name=name, text=shown, functions=types, names=frozenset(),
                     macros=macros)  # fmt: skip
    mentions = tuple(_mentions(code, names))
    return _Form(
        kind=kind,
        name=name,
        text=shown,
        functions=frozenset(mentions),
        names=frozenset(module for module, _ in mentions)
        | frozenset(function for module, function in mentions if module == _ANYWHERE),
        macros=macros,
    )


def _without_comment(found: re.Match[str]) -> str:
    return "" if found.group().startswith("%") else found.group()


def _mentions(code: str, names: _Names) -> Iterator[Place]:
    """Yield the functions that a form may call."""
    for found in _MENTION.finditer(code):
        module, name = found["module"], found["name"]
        if module is None:
            if found["call"] is None:
                yield _ANYWHERE, name
            elif name in names.functions:
                yield names.module, name
            continue
        if module.startswith("?"):
            module = names.module if module == "?MODULE" else names.constants.get(module[1:], "?")
        if module in names.known:
            yield module, name
        elif not module[0].islower():  # a variable, or a macro that is no plain name
            yield _ANYWHERE, name


def _text(module: _Module, kept: frozenset[int]) -> str:
    forms = [module.forms[at] for at in sorted(kept)]
    functions = {form.name for form in forms if form.kind == "function"}
    types = {form.name for form in forms if form.kind in _TYPES}
    written: list[str] = []
    last = ""
    for form in forms:
        shown = form.text
        if form.kind in _EXPORTS:
            shown = _exports(form, functions if form.kind == "export" else types)
        if not shown:
            continue
        close = last == "spec" or (form.kind == last == "define")
        written.append(shown if close or not written else f"\n{shown}")
        last = form.kind
    return "\n".join(written) + "\n"


def _exports(form: _Form, names: set[str]) -> str:
    """Return an export of what is there, nothing where nothing of it is."""
    items = [f"{found['name']}/{found['arity']}" for found in _EXPORTED.finditer(form.text)
             if found["name"] in names]  # fmt: skip
    if not items:
        return ""
    line = f"-{form.kind}([{', '.join(items)}])."
    if len(line) <= _WIDTH:
        return line
    return f"-{form.kind}([\n    " + ",\n    ".join(items) + "\n])."

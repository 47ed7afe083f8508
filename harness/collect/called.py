"""What a probe calls outside of its own folder, read from its compiled code.

Knows: the chunk of a beam in which its abstract code stands, and the forms in it. Must not know:
which of what is called a VM has.

Source: the abstract format, https://www.erlang.org/doc/apps/erts/absform.html; the chunk,
lib/stdlib/src/beam_lib.erl.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from harness.bridge import terms
from harness.bridge.guard import TermLimits
from harness.bridge.terms import Atom, Term

_FORMS = TermLimits(nodes=20_000_000, depth=2_000)
_HEADER_BYTES = 12
_STARTS = frozenset({"start", "load", "ensure_started", "ensure_all_started"})


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what one function calls.

    `modules` are those of calls written out, or handed on as module, function, arguments;
    `applications` those that it starts by name; `functions` are `module:function/arity` to follow,
    the module empty for the function's own.
    """

    modules: frozenset[str] = frozenset()
    applications: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()


def read(beam: bytes) -> Mapping[str, Called]:
    """Return what each function of a module calls, by `function/arity`.

    Raises:
        ValueError: it is no beam with debug information.
        ProtocolError: its debug information is no term.
    """
    chunk = terms.decode(_chunk(beam, b"Dbgi"), _FORMS)
    match chunk:
        case (Atom("debug_info_v1"), Atom("erl_abstract_code"), (list(forms), _)):
            return dict(_functions(forms))
    raise ValueError("the beam holds no abstract code")


def reached(
    module: str, function: str, called_of: Callable[[str], Mapping[str, Called] | None]
) -> Called:
    """Return everything that is called below a function, through modules of the folder.

    Args:
        module: of the folder.
        function: `function/arity`.
        called_of: what `read` gave for a module of the folder, None for one outside of it.
    """
    modules: set[str] = set()
    applications: set[str] = set()
    seen: set[tuple[str, str]] = set()
    wanted = {(module, function)}
    while wanted:
        here = wanted.pop()
        seen.add(here)
        found = (called_of(here[0]) or {}).get(here[1], Called())
        applications |= found.applications
        modules |= {name for name in found.modules if called_of(name) is None}
        wanted |= {_named(text, here[0]) for text in found.functions} - seen
    return Called(modules=frozenset(modules), applications=frozenset(applications))


def _named(text: str, own: str) -> tuple[str, str]:
    module, _, function = text.partition(":")
    return module or own, function


def _chunk(beam: bytes, wanted: bytes) -> bytes:
    at = _HEADER_BYTES
    while at + 8 <= len(beam):
        size = int.from_bytes(beam[at + 4 : at + 8], "big")
        if beam[at : at + 4] == wanted:
            return beam[at + 8 : at + 8 + size]
        at += 8 + (size + 3) // 4 * 4
    raise ValueError(f"the beam has no chunk {wanted.decode()}")


def _functions(forms: list[Term]) -> Iterator[tuple[str, Called]]:
    for form in forms:
        match form:
            case (Atom("function"), _, Atom(name), int(arity), clauses):
                yield f"{name}/{arity}", _called(clauses)


def _called(body: Term) -> Called:
    found = [call for node in _nodes(body) if (call := _call(node)) is not None]
    return Called(
        modules=frozenset().union(*(call.modules for call in found)),
        applications=frozenset().union(*(call.applications for call in found)),
        functions=frozenset().union(*(call.functions for call in found)),
    )


def _call(node: tuple[Term, ...]) -> Called | None:
    """Return what one node of a body calls."""
    match node:
        case (Atom("call"), _, (Atom("remote"), _, module, function), list(args)):
            return _remote(_atom(module), _atom(function), args)
        case (Atom("call"), _, (Atom("atom"), _, Atom(name)), list(args)):
            return Called(functions=frozenset({f":{name}/{len(args)}"}), modules=_handed_on(args))
        case (Atom("fun"), _, (Atom("function"), Atom(name), int(arity))):
            return Called(functions=frozenset({f":{name}/{arity}"}))
        case (Atom("fun"), _, (Atom("function"), module, function, (_, _, int(arity)))):
            of = _atom(module)
            return None if of is None else _to(of, f"{_atom(function)}/{arity}")
        case (Atom("tuple"), _, list(elements)):
            return Called(modules=_handed_on(elements))
    return None


def _remote(module: str | None, function: str | None, args: list[Term]) -> Called:
    handed_on = _handed_on(args)
    if module is None:
        return Called(modules=handed_on)
    starts = module == "application" and function in _STARTS and bool(args)
    first = _atom(args[0]) if starts else None
    called = _to(module, f"{function}/{len(args)}")
    return Called(
        modules=called.modules | handed_on,
        functions=called.functions,
        applications=frozenset() if first is None else frozenset({first}),
    )


def _to(module: str, function: str) -> Called:
    return Called(modules=frozenset({module}), functions=frozenset({f"{module}:{function}"}))


def _handed_on(items: list[Term]) -> frozenset[str]:
    """Return the module where module, function and a list of arguments stand side by side."""
    found: set[str] = set()
    for module, function, args in zip(items, items[1:], items[2:], strict=False):
        if _is_list(args) and _atom(function) is not None and (name := _atom(module)) is not None:
            found.add(name)
    return frozenset(found)


def _is_list(form: Term) -> bool:
    match form:
        case (Atom("cons" | "nil"), *_):
            return True
    return False


def _atom(form: Term) -> str | None:
    match form:
        case (Atom("atom"), _, Atom(name)):
            return name
    return None


def _nodes(body: Term) -> Iterator[tuple[Term, ...]]:
    left: list[Term] = [body]
    while left:
        node = left.pop()
        if isinstance(node, tuple):
            yield node
        if isinstance(node, tuple | list):
            left.extend(node)

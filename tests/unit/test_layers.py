"""The layering rule: collecting and judging meet only where they are meant to."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import harness

ROOT = Path(harness.__file__).parent

SHARED = {"errors", "folders", "plan", "run", "suggest", "__init__"}
COLLECTING = {"bridge", "node", "runtimes", "native", "lane", "releases", "runner"}
JUDGING = {"claims", "predict", "judge", "report", "lint", "coverage", "mutate", "merge"}


def modules() -> dict[str, Path]:
    """Return every module of the package by dotted name without `harness.`."""
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        found[name] = path
    return found


def imports(path: Path) -> Iterator[str]:
    """Yield what a module imports from the package, lazily or not, without `harness.`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "harness":
                yield from (alias.name for alias in node.names)
            elif node.module.startswith("harness."):
                yield node.module.removeprefix("harness.")
        elif isinstance(node, ast.Import):
            yield from (
                alias.name.removeprefix("harness.")
                for alias in node.names
                if alias.name.startswith("harness.")
            )


def reach(name: str, graph: dict[str, set[str]]) -> set[str]:
    """Return everything a module imports, directly or through others."""
    seen: set[str] = set()
    todo = [name]
    while todo:
        for found in graph.get(todo.pop(), set()) - seen:
            seen.add(found)
            todo.append(found)
    return seen


GRAPH = {name: set(imports(path)) for name, path in modules().items()}


def branch(names: set[str]) -> list[str]:
    return [name for name in GRAPH if name.partition(".")[0] in names]


def reached_parts(name: str) -> set[str]:
    return {found.partition(".")[0] for found in reach(name, GRAPH)}


def test_collecting_never_reaches_a_prediction_or_a_verdict() -> None:
    """What provokes and measures cannot know what is hoped for."""
    for name in branch(COLLECTING):
        assert not reached_parts(name) & JUDGING, name


def test_judging_never_reaches_a_node() -> None:
    """What judges cannot start, ask or influence a VM."""
    for name in branch(JUDGING):
        assert not reached_parts(name) & COLLECTING, name


def test_what_both_share_knows_neither() -> None:
    """The shared words depend on nothing but each other."""
    for name in branch(SHARED):
        assert reached_parts(name) <= SHARED, name


def test_the_branches_meet_only_in_the_session_the_command_line_and_the_plugin() -> None:
    """A new place where both meet is a decision, not an accident."""
    meeting = {
        name for name in GRAPH if reached_parts(name) & COLLECTING and reached_parts(name) & JUDGING
    }
    assert {name for name in meeting if not name.startswith("cli")} <= {
        "session",
        "pytest_plugin",
        "__main__",
    }


def test_every_module_says_what_it_knows_and_what_it_must_not_know() -> None:
    """A module's docstring draws its border; a package's `__init__` names its content."""
    for name, path in modules().items():
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert docstring, name
        if path.name not in {"__init__.py", "__main__.py"}:
            assert "Knows" in docstring, name
            assert "ust not know" in docstring, name


def test_no_module_outgrows_its_reader() -> None:
    """350 lines are the most that one module may have."""
    for name, path in modules().items():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 350, name

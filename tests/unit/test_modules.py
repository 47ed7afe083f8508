"""Every module draws its border, and none outgrows its reader.

What may import what stands in pyproject.toml, as contracts of import-linter.
"""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import harness

ROOT = Path(harness.__file__).parent


def modules() -> dict[str, Path]:
    """Return every module of the package by its path below `harness/`."""
    return {str(path.relative_to(ROOT)): path for path in ROOT.rglob("*.py")}


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


def test_no_two_test_files_have_one_name() -> None:
    """Test folders are no packages: pytest refuses a second file of a name in one session."""
    names = Counter(path.name for path in (ROOT.parent / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []

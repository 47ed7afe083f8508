"""Questions as the files that evaluation tools load.

Knows: questions, what each tool reads. Must not know: how questions are made, where files lie.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from importlib.resources import files
from typing import Any

import msgspec

from harness.report.export.questions import HELDOUT, LETTERS, TRAIN, Question

File = tuple[str, bytes]


class Format(StrEnum):
    """Name the formats."""

    INSPECT = "inspect"
    PROMPTFOO = "promptfoo"
    LM_EVAL = "lm-eval"
    JSONL = "jsonl"


def jsonl(questions: Sequence[Question]) -> bytes:
    """Return the questions one a line, both parts."""
    return _lines(map(msgspec.to_builtins, questions))


def folder(form: Format, questions: Sequence[Question]) -> Iterator[File]:
    """Yield the files of a format: a path below the folder, and the content."""
    return _FOLDERS[form](questions)


def _inspect(questions: Sequence[Question]) -> Iterator[File]:
    for part, own in _parts(questions):
        yield f"{part}.jsonl", _lines(map(_inspect_sample, own))
    yield _template("inspect_task.txt", "beamproof.py")


def _inspect_sample(one: Question) -> dict[str, Any]:
    return {
        "id": one.id,
        "input": one.question,
        "choices": one.choices,
        "target": one.target,
        "metadata": {"split": one.split, **msgspec.to_builtins(one.metadata)},
    }


def _promptfoo(questions: Sequence[Question]) -> Iterator[File]:
    for part, own in _parts(questions):
        yield f"{part}.json", _pretty([_promptfoo_test(one) for one in own])
    yield _template("promptfooconfig.yaml")
    yield _template("prompt.txt")


def _promptfoo_test(one: Question) -> dict[str, Any]:
    """Return a test; what looks like a template of promptfoo's within text is kept as text."""
    said = {"question": one.question, **dict(zip(LETTERS, one.choices, strict=True))}
    return {
        "description": one.id,
        "vars": {name: _raw(text) for name, text in said.items()},
        "assert": [{"type": "javascript", "value": f"output.trim().startsWith('{one.target}')"}],
        "metadata": {"split": one.split, **msgspec.to_builtins(one.metadata)},
    }


def _raw(text: str) -> str:
    if "{{" in text or "{%" in text or "{#" in text:
        return "{% raw %}" + text + "{% endraw %}"
    return text


def _lm_eval(questions: Sequence[Question]) -> Iterator[File]:
    for part, own in _parts(questions):
        yield f"{part}.jsonl", _lines(map(msgspec.to_builtins, own))
    yield _template("beamproof.yaml")
    yield _template("beamproof_questions.txt", "beamproof_questions.py")


_FOLDERS: Mapping[Format, Callable[[Sequence[Question]], Iterator[File]]] = {
    Format.INSPECT: _inspect,
    Format.PROMPTFOO: _promptfoo,
    Format.LM_EVAL: _lm_eval,
}


def _parts(questions: Sequence[Question]) -> Iterator[tuple[str, list[Question]]]:
    for part in (TRAIN, HELDOUT):
        yield part, [one for one in questions if one.split == part]


def _lines(records: Iterator[Any]) -> bytes:
    return b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in records)


def _pretty(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


def _template(name: str, written: str | None = None) -> File:
    return written or name, (files(__package__) / "template" / name).read_bytes()

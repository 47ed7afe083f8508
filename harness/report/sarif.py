"""Remarks on documents in the Static Analysis Results Interchange Format.

Knows: remarks, the format. Must not know: files.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

import msgspec

from harness import __version__
from harness.documents.remark import RULES, Remark
from harness.run.cells import Json

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render_sarif(remarks: Iterable[Remark]) -> bytes:
    """Return remarks as one SARIF run; paths below the working directory are relative to it."""
    driver: dict[str, Json] = {
        "name": "beamproof",
        "version": __version__,
        "rules": [
            {
                "id": name,
                "shortDescription": {"text": rule.about},
                "defaultConfiguration": {"level": rule.level.value},
            }
            for name, rule in RULES.items()
        ],
    }
    run: dict[str, Json] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(remark) for remark in remarks],
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


_INDEX: Mapping[str, int] = {name: index for index, name in enumerate(RULES)}


def _result(remark: Remark) -> Json:
    properties: dict[str, Json] = {}
    if remark.claim is not None:
        properties["claim"] = remark.claim
    if remark.sentence is not None:
        properties["sentence"] = remark.sentence
    result: dict[str, Json] = {
        "ruleId": remark.rule,
        "ruleIndex": _INDEX[remark.rule],
        "level": remark.level.value,
        "message": {"text": remark.message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(remark.path)},
                    "region": {"startLine": remark.line, "endLine": remark.end_line},
                }
            }
        ],
    }
    if remark.score is not None:
        result["rank"] = round(100 * remark.score, 1)
    if properties:
        result["properties"] = properties
    return result


def _uri(path: Path) -> str:
    resolved, here = path.resolve(), Path.cwd().resolve()
    if resolved.is_relative_to(here):
        return quote(resolved.relative_to(here).as_posix())
    return resolved.as_uri()

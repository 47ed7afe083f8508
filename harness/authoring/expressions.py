"""Where expressions end in a text: at each full stop that white space or the end follows.

Knows: as much of Erlang's syntax as that takes. Must not know: what expressions mean.
"""

from __future__ import annotations

import re

from harness.authoring.probe_source import blanked

_FULL_STOP = re.compile(r"\.(?=\s|$)")


def expressions(text: str) -> tuple[str, ...]:
    """Return the expressions of a text, each without its full stop; the last needs none."""
    ends = [found.start() for found in _FULL_STOP.finditer(blanked(text))] + [len(text)]
    starts = [0, *(end + 1 for end in ends)]
    parts = (text[start:end].strip() for start, end in zip(starts, ends, strict=False))
    return tuple(part for part in parts if not _is_comment(part))


def is_complete(text: str) -> bool:
    """Tell whether a text ends with a full stop, or holds nothing at all."""
    return blanked(text).rstrip().endswith(".") or _is_comment(text)


def is_text(text: str) -> bool:
    """Tell whether it holds no bytes that are no UTF-8, as a shell or a terminal passes them on."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def _is_comment(text: str) -> bool:
    return all(line.strip()[:1] in {"", "%"} for line in text.splitlines())

"""Whether a sentence looks like a fact that somebody should prove.

Knows: English, how Erlang writes functions and flags. Must not know: claims.
"""

from __future__ import annotations

import re

from harness.authoring.quotation import has_verb

_UNIT = (
    r"%|percent|bytes?|bits?|words?|[kKMGT]i?B|[mµun]s|s|seconds?|milliseconds?|microseconds?"
    r"|minutes?|hours?|days?|times|reductions?|processes|threads?|schedulers?|calls?|messages?"
    r"|cores?|ports?|atoms?|tables?|nodes?|versions?|generations?|elements?|files?|connections?"
)
_NUMBER = re.compile(
    rf"(?<![\w.])(?:\d[\d,._]*|one|two|three|four|ten|hundred|thousand|million)[\s-]?(?:{_UNIT})(?!\w)"
)
_VERSION = re.compile(r"\b(?:OTP|ERTS|erts|Erlang(?:/OTP)?)[\s-]?v?(?:R?\d\d?)\b|\bR1[0-9]B?\b")
_WORD = re.compile(
    r"\b(always|never|defaults?|guarantee[sd]?|at most|at least|cannot|every|impossible|exactly)\b",
    re.IGNORECASE,
)
_FUNCTION = re.compile(r"(?<![\w/])(?:[a-z]\w*:)?[a-z]\w*/\d\d?\b|\b[a-z]\w*:[a-z]\w*(?=\()")
_FLAG = re.compile(r"(?<![\w+])\+[A-Za-z]\w{0,12}(?:\s+\w+)?(?!\w)")
_FEWEST_WORDS = 3


def signs_of(sentence: str) -> tuple[str, ...]:
    """Return by what a sentence looks like a fact; empty where it does not, as with a question.

    A sign is a number with a unit, a version, a word that leaves no exception, and a function or a
    flag in a sentence that has a verb.
    """
    if sentence.rstrip("\"')").endswith("?") or len(sentence.split()) < _FEWEST_WORDS:
        return ()
    found: list[str] = []
    if _NUMBER.search(sentence):
        found.append("a number with its unit")
    if _VERSION.search(sentence):
        found.append("a version")
    found += [f'"{word}"' for word in dict.fromkeys(map(str.lower, _WORD.findall(sentence)))]
    if (_FUNCTION.search(sentence) or _FLAG.search(sentence)) and has_verb(sentence):
        found.append("what a function or flag does")
    return tuple(found)

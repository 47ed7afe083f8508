"""What a sentence gives away without being understood: its length, and words that hedge.

Knows: words. Must not know: which sentence is true.
"""

from __future__ import annotations

import re

ABSOLUTE = frozenset(
    {
        *("all", "always", "alone", "any", "both", "cannot", "each", "either", "every", "exactly"),
        *("everything", "forever", "immediately", "just", "must", "never", "neither", "no", "none"),
        *("nobody", "nothing", "only", "whatever", "whenever", "whole", "wherever"),
    }
)
"""Words that leave no exception: guides say that they make a sentence false."""

HEDGED = frozenset(
    {
        *(
            "about",
            "almost",
            "can",
            "could",
            "few",
            "if",
            "may",
            "mostly",
            "might",
            "most",
            "often",
        ),
        *("rarely", "roughly", "several", "some", "sometimes", "unless", "up", "usually", "when"),
        *("where", "while", "without"),
    }
)
"""Words that leave room, or name a condition: guides say that they make a sentence true."""

DENIED = frozenset({"cannot", "neither", "never", "no", "none", "nor", "not", "nothing"})
"""Words that deny."""

_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")
_FIRST = re.compile(r"(?P<clause>[^;:]+?)[;:] ")
_LEAST_CHARS = 20
_LEANS = frozenset(
    {"it", "they", "that", "this", "these", "those", "then", "there", "such", "both", "he"}
)


def marks(sentence: str) -> dict[str, float]:
    """Return what is seen of a sentence without understanding it, by name."""
    words = [word.lower() for word in _WORD.findall(sentence)]
    size = len(sentence) / 80
    found = {
        "always": 1.0,
        "size": size,
        "size squared": size * size,
        "words": len(words) / 12,
        "commas": sentence.count(",") / 2,
        "colons": float(":" in sentence or ";" in sentence),
        "digits": float(any(one.isdigit() for one in sentence)),
    }
    for name, group in (("absolute", ABSOLUTE), ("hedged", HEDGED), ("denied", DENIED)):
        found[name] = float(sum(word in group for word in words))
    found |= {word: 1.0 for word in words if word in ABSOLUTE | HEDGED | DENIED}
    return found


def forms(statement: str) -> tuple[str, ...]:
    """Return the sentences that a true statement gives: its first clause, then the whole.

    What stands before the first semicolon or colon is a sentence of its own, and true as well.
    """
    found = _FIRST.match(statement)
    if found is None or len(found["clause"]) < _LEAST_CHARS:
        return (statement,)
    return f"{found['clause']}.", statement


def leans(sentence: str) -> bool:
    """Tell whether a sentence begins with a word that points to another sentence."""
    found = _WORD.match(sentence)
    return found is not None and found.group().lower() in _LEANS

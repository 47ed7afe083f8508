"""Highlight a probe's source.

Knows: pygments and the classes that the style sheet colours. Must not know: claims, runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from html import escape
from typing import Any

from markupsafe import Markup
from pygments.lexers.erlang import ErlangLexer
from pygments.token import Token

_CLASSES = {
    Token.Comment: "tc",
    Token.Keyword: "tk",
    Token.Literal.String: "ts",
    Token.Literal.Number: "tn",
    Token.Name.Variable: "tv",
    Token.Name.Function: "tf",
    Token.Name.Entity: "tk",
}
"""The kinds of token that the style sheet colours; the others stay as they are."""

_lexer = ErlangLexer(stripnl=False, ensurenl=False)


def highlighted(text: str) -> Markup:
    """Return Erlang source as HTML, a span a coloured token and nothing else in it."""
    return Markup("".join(_spans(text)))  # noqa: S704 (every token is escaped)


def _spans(text: str) -> Iterator[str]:
    for kind, token in _lexer.get_tokens(text):
        name = _class_of(kind)
        escaped = escape(token, quote=False)
        yield f'<span class="{name}">{escaped}</span>' if name else escaped


@lru_cache(maxsize=256)
def _class_of(kind: Any) -> str:
    return next((name for known, name in _CLASSES.items() if kind in known), "")

"""The text of one block as a reader sees it, and where each part of it stands in the source.

Knows: markdown-it's inline tokens, HTML. Must not know: sentences, marks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it.token import Token

_CODE_SIGN = "0"
"""Stands for each character of code in the shadow: no full stop, and begins a sentence."""


@dataclass(slots=True)
class Piece:
    """Hold the text of a block.

    `shadow` is the text with its code blotted out, as long as it. `places` pairs where parts begin
    in the text with where they do in `source`, the block's own, whose line ends are `newlines`.
    `comments` and `codes` are what stands in comments and in code, each with its place in the text.
    """

    source: str
    newlines: tuple[int, ...]
    text: str = ""
    shadow: str = ""
    places: list[tuple[int, int]] = field(default_factory=list)
    comments: list[tuple[int, str]] = field(default_factory=list)
    codes: list[tuple[int, str]] = field(default_factory=list)


class _Pieces:
    """Gather a piece from its parts, in order."""

    def __init__(self, source: str, newlines: tuple[int, ...]) -> None:
        self.piece = Piece(source, newlines)
        self._text: list[str] = []
        self._shadow: list[str] = []
        self._length = 0

    def add(self, text: str, at: int, *, code: bool = False) -> None:
        self.piece.places.append((self._length, at))
        if code:
            self.piece.codes.append((self._length, text))
        self._text.append(text)
        self._shadow.append(_CODE_SIGN * len(text) if code else text)
        self._length += len(text)

    def comment(self, text: str, at: int) -> None:
        self.piece.places.append((self._length, at))
        self.piece.comments.append((self._length, text))

    def done(self) -> Piece:
        self.piece.text = "".join(self._text)
        self.piece.shadow = "".join(self._shadow)
        return self.piece


def from_inline(token: Token) -> Piece:
    """Return the text of an inline token: links and emphasis as their words, images as theirs."""
    raw = token.content
    pieces = _Pieces(raw, _newlines(raw))
    at = 0
    for child in token.children or ():
        match child.type:
            case "softbreak" | "hardbreak":
                found = raw.find("\n", at)
                at = found + 1 if found >= 0 else at
                pieces.add("\n", max(found, 0))
            case "code_inline":
                start = max(raw.find(child.markup, at), at)
                inside = start + len(child.markup)
                pieces.add(child.content, inside, code=True)
                at = max(raw.find(child.markup, inside + len(child.content)), inside)
                at += len(child.markup)
            case "html_inline":
                start = max(raw.find(child.content, at), at)
                at = start + len(child.content)
                _add_tag(pieces, child.content, start)
            case "text" | "text_special" | "image":
                source = child.markup if child.type == "text_special" else child.content
                start = max(raw.find(source, at), at)
                at = start + len(source)
                pieces.add(child.content, start)
    return pieces.done()


def _add_tag(pieces: _Pieces, tag: str, at: int) -> None:
    if tag.startswith("<!--"):
        pieces.comment(tag.removeprefix("<!--").removesuffix("-->"), at)
    elif tag[1:].lower().startswith("br"):
        pieces.add(" ", at)


def from_html(source: str) -> Iterator[Piece]:
    """Yield the texts of a block of HTML, one a paragraph; what scripts and styles hold is none."""
    reader = _Html(source)
    reader.feed(source)
    reader.close()
    yield from reader.pieces()


_INLINE = frozenset(
    """a abbr b bdi bdo cite code data del dfn em font i ins kbd mark q s samp small span strong sub
    sup time tt u var wbr""".split()  # noqa: SIM905  reads better
)
_NO_TEXT = frozenset({"script", "style", "pre", "textarea", "svg", "template"})


class _Html(HTMLParser):
    """Cut HTML into pieces: every tag that is none of a line's begins another."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self._source = source
        self._newlines = _newlines(source)
        self._now = _Pieces(source, self._newlines)
        self._done: list[Piece] = []
        self._silent = 0
        self._code = 0

    def pieces(self) -> Iterator[Piece]:
        self._cut()
        yield from self._done

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._silent += tag in _NO_TEXT
        self._code += tag == "code"
        if tag == "br":
            self._now.add(" ", self._at())
        elif tag not in _INLINE:
            self._cut()

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _NO_TEXT and self._silent > 0
        self._code -= tag == "code" and self._code > 0
        if tag not in _INLINE:
            self._cut()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._now.add(data, self._at(), code=self._code > 0)

    def handle_comment(self, data: str) -> None:
        if not self._silent:
            self._now.comment(data, self._at())

    def _cut(self) -> None:
        done = self._now.done()
        if done.text.strip() or done.comments:
            self._done.append(done)
        self._now = _Pieces(self._source, self._newlines)

    def _at(self) -> int:
        line, column = self.getpos()
        return column if line == 1 else self._newlines[line - 2] + 1 + column


def _newlines(source: str) -> tuple[int, ...]:
    return tuple(at for at, sign in enumerate(source) if sign == "\n")

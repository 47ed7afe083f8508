"""A Markdown document as sentences with their lines and marks.

Knows: Markdown, by markdown-it. Must not know: claims, verdicts, what a sentence says.

A row of a table is one sentence. Code is none; text in HTML is. A mark belongs to the last sentence
that begins before it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

from harness.authoring.marks import IN_CODE, NO_DEFINITION, Covers, Mark, read_mark
from harness.authoring.places import Lines, sentences_of
from harness.authoring.prose import Piece, from_html, from_inline
from harness.authoring.sentences import plain
from harness.errors import InputError
from harness.run.releases import parse_releases

MOST_BYTES = 2 * 1024**2
"""The largest document that is read: a megabyte of Markdown takes about two seconds."""

KEY = "beamproof"
"""The key of front matter that says `otp 25-27`, alone or below `metadata`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Hold one sentence as a reader sees it, with the lines that it stands on, counted from 1.

    `tail` is the last of these lines in the source as far as the sentence goes, without what its
    block stands in; None for a row of a table.
    """

    text: str
    line: int
    end_line: int
    tail: str | None = None
    marks: tuple[Mark, ...] = ()
    heading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Say what is wrong with a mark: `bad-mark`, `no-sentence` or `mark-in-code`."""

    line: int
    rule: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Hold a document: its sentences in order, the releases it covers, faults of its marks."""

    path: Path
    sentences: tuple[Sentence, ...]
    covers: tuple[int, ...] | None = None
    faults: tuple[Fault, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the claims that are named, each once."""
        marks = (mark for sentence in self.sentences for mark in sentence.marks)
        return tuple(dict.fromkeys(name for mark in marks for name in mark.names))


def read_page(path: Path) -> Page:
    """Read a document as `read_text` does."""
    return parse_page(read_text(path), path)


def read_text(path: Path) -> str:
    """Return the text of a document.

    Raises:
        InputError: it cannot be read, is no UTF-8 or is larger than `MOST_BYTES`.
    """
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MOST_BYTES else b""
    except OSError as error:
        raise InputError(f"cannot read the document {path}: {error.strerror}") from error
    if size > MOST_BYTES:
        raise InputError(
            f"{path} has {size / 1024**2:.1f} MiB: documents of up to {MOST_BYTES // 1024**2} MiB"
            " are read",
            hint="split it into pages, or leave it out",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}:{line}: not UTF-8: {error.reason} at byte {error.start}",
            hint=f"convert it: iconv -f ISO-8859-1 -t UTF-8 {path}",
        ) from error


def parse_page(text: str, path: Path) -> Page:
    """Return the text of a document as a page; `path` is only its name."""
    reader = _Reader()
    reader.read(_MARKDOWN.parse(text))
    sentences = tuple(
        Sentence(
            text=draft.text,
            line=draft.line,
            end_line=draft.end_line,
            tail=draft.tail,
            marks=tuple(draft.marks),
            heading=draft.heading,
        )
        for draft in reader.drafts
    )
    faults = tuple(sorted(reader.faults, key=lambda fault: fault.line))
    return Page(path=path, sentences=sentences, covers=reader.covers, faults=faults)


def _markdown() -> MarkdownIt:
    found = MarkdownIt("commonmark", {"inline_definitions": True})
    found.enable(["table", "strikethrough"]).use(front_matter_plugin)
    # What was escaped must stay apart, or no text is found where it stands.
    return found.disable("text_join")


_MARKDOWN = _markdown()


@dataclass(slots=True, kw_only=True)
class _Draft:
    text: str
    line: int
    end_line: int
    tail: str | None = None
    heading: bool = False
    marks: list[Mark] = field(default_factory=list)


_NOTHING = "nothing stands before it"
_CODE = "code stands before it"
_TABLE = "a table stands before it: put it into the row"


@dataclass(slots=True)
class _Reader:
    """Go through the blocks of a document in order; `before` is what a mark would belong to."""

    drafts: list[_Draft] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    covers: tuple[int, ...] | None = None
    before: _Draft | str = _NOTHING
    covers_line: int | None = None

    def read(self, tokens: Sequence[Token]) -> None:
        row: list[Token] | None = None
        head = heading = False
        for token in tokens:
            match token.type:
                case "thead_open" | "thead_close":
                    head = token.type == "thead_open"
                case "heading_open" | "heading_close":
                    heading = token.type == "heading_open"
                case "tr_open":
                    row = []
                case "tr_close":
                    self._row(row or [], head=head)
                    row = None
                case "table_close":
                    self.before = _TABLE
                case "inline" if row is not None:
                    row.append(token)
                case "inline":
                    self._block(from_inline(token), _first_line(token), heading=heading)
                case _:
                    self._other(token)

    def _other(self, token: Token) -> None:
        line = _first_line(token)
        match token.type:
            case "front_matter":
                self._front_matter(token.content, line)
            case "html_block":
                for piece in from_html(token.content):
                    self._block(piece, line)
            case "definition":
                self._comment(token.meta["title"], line, self.before)
            case "fence" | "code_block":
                self._shown(token.content, line + (token.type == "fence"))
                self.before = _CODE

    def _block(self, piece: Piece, first: int, *, heading: bool = False) -> None:
        """Take in the sentences of one block, and its marks each to the sentence before it."""
        lines = Lines(piece, first)
        begins: list[int] = []
        drafts: list[_Draft] = []
        for start, end in sentences_of(piece):
            text = plain(piece.text[start:end])
            draft = _Draft(
                text=text,
                line=lines.at(start),
                end_line=lines.at(end - 1),
                tail=lines.until(end),
                heading=heading,
            )
            begins.append(start)
            drafts.append(draft)
        for place, comment in piece.comments:
            index = bisect_right(begins, place - 1)
            of = drafts[index - 1] if index else _NOTHING if heading else self.before
            self._comment(comment, lines.at(place), of)
        for place, code in piece.codes:
            self._shown(code, lines.at(place))
        for found in NO_DEFINITION.finditer(piece.shadow):
            said = "a link definition needs an empty line before it, or it is text"
            self._fault(lines.at(found.start()), "bad-mark", said)
        self.drafts += drafts
        if drafts:
            self.before = drafts[-1]

    def _row(self, cells: Sequence[Token], *, head: bool) -> None:
        """Take in a row of a table as one sentence; the head states nothing."""
        pieces = [from_inline(cell) for cell in cells]
        line = _first_line(cells[0]) if cells else 0
        text = " | ".join(filter(None, (plain(piece.text) for piece in pieces)))
        draft = _Draft(text=text, line=line, end_line=line)
        states = bool(text) and not head
        of: _Draft | str = draft if states else "the head of a table states nothing"
        for piece in pieces:
            for _, comment in piece.comments:
                self._comment(comment, line, of)
            for _, code in piece.codes:
                self._shown(code, line)
        if states:
            self.drafts.append(draft)

    def _comment(self, text: str, line: int, of: _Draft | str) -> None:
        try:
            found = read_mark(text, line)
        except InputError as error:
            self._fault(line, "bad-mark", _said(error))
            return
        if isinstance(found, Covers):
            self._cover(found.releases, line)
        elif isinstance(found, Mark) and isinstance(of, str):
            self._fault(line, "no-sentence", f"the mark of {found.names[0]} marks nothing: {of}")
        elif isinstance(found, Mark) and isinstance(of, _Draft):
            of.marks.append(found)

    def _cover(self, releases: tuple[int, ...], line: int) -> None:
        if self.covers_line is not None:
            said = f"line {self.covers_line} says already which releases the document covers"
            self._fault(line, "bad-mark", said)
            return
        self.covers, self.covers_line = releases, line

    def _front_matter(self, content: str, line: int) -> None:
        if KEY not in content:
            return
        try:
            found = _covered(yaml.safe_load(content))
            if found is not None:
                self._cover(found, line)
        except yaml.YAMLError as error:
            said = " ".join(str(error).split())
            self._fault(line, "bad-mark", f"the front matter is no YAML: {said}")
        except InputError as error:
            self._fault(line, "bad-mark", _said(error))

    def _shown(self, code: str, first: int) -> None:
        for found in IN_CODE.finditer(code):
            line = first + code.count("\n", 0, found.start())
            self._fault(line, "mark-in-code", "a mark in code marks nothing")

    def _fault(self, line: int, rule: str, message: str) -> None:
        self.faults.append(Fault(line=line, rule=rule, message=message))


def _covered(front_matter: object) -> tuple[int, ...] | None:
    """Return the releases that front matter names under `beamproof`, None where it names none."""
    if not isinstance(front_matter, dict):
        return None
    for table in (front_matter, front_matter.get("metadata")):
        if isinstance(table, dict) and KEY in table:
            said = str(table[KEY])
            if not said.startswith("otp "):
                raise InputError(
                    f'{KEY}: "{said}" says no releases', hint=f"write {KEY}: otp 25-27"
                )
            return parse_releases(said.removeprefix("otp ").strip(), "otp")
    return None


def _first_line(token: Token) -> int:
    return (token.map or [0])[0] + 1


def _said(error: InputError) -> str:
    return f"{error.message}: {error.hint}" if error.hint else error.message

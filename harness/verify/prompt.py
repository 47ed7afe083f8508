"""One prompt for all releases: expressions as they are typed, answers side by side.

Knows: prompt_toolkit, panels. Must not know: options. It is imported by who wants a prompt only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from prompt_toolkit import PromptSession
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.erlang import ErlangLexer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.authoring.expressions import expressions, is_complete, is_text
from harness.collect.panel import Asked
from harness.report.releases import labels
from harness.report.terminal.answers import answer_lines, short
from harness.verify.trying import asked_lines

_NARROWEST = 24
"""Columns of an answer; with less each stands below the other."""


class Panel(Protocol):
    """Be asked by the prompt; see `collect.panel.Panel`."""

    timeout_s: float
    chars: int

    def ask(self, text: str) -> Asked:
        """Evaluate an expression on every release."""
        ...

    def renew(self) -> tuple[str, ...]:
        """Start a node anew for each runtime whose VM ended; return whose."""
        ...


def converse(panel: Panel, names: tuple[str, ...], history: Path) -> None:
    """Read expressions until the end of input, and print what each release answers.

    Args:
        panel: is asked.
        names: of its runtimes.
        history: a file to keep what was typed in.
    """
    console = Console(highlight=False)
    console.print(f"{labels(names)}; an expression ends with a full stop; Ctrl-D leaves")
    session: PromptSession[str] = PromptSession(
        multiline=True,
        history=_history(history),
        key_bindings=_keys(),
        lexer=PygmentsLexer(ErlangLexer),
        prompt_continuation=lambda width, _line, _soft: "." * (width - 1) + " ",
    )
    number = 1
    while True:
        try:
            text = session.prompt(f"{number}> ", handle_sigint=False)
        except EOFError:
            return
        except KeyboardInterrupt:  # the key, while a line is edited; the signal ends the command
            continue
        if not is_text(text):
            console.print("that is not UTF-8")
            continue
        for one in expressions(text):
            _show(console, panel.ask(one), panel)
            number += 1
            for gone in panel.renew():
                console.print(f"{short((gone,))}: a new VM; its variables are gone", style="yellow")


def _show(console: Console, asked: Asked, panel: Panel) -> None:
    if len(asked.groups) > 1 and console.width >= _NARROWEST * len(asked.groups):
        console.print(side_by_side(asked, panel))
        return
    for line in asked_lines(asked, timeout_s=panel.timeout_s, chars=panel.chars):
        console.print(Text(line))


def side_by_side(asked: Asked, panel: Panel) -> Table:
    """Return a column for each of the answers."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, expand=False)
    for group in asked.groups:
        table.add_column(short(group.runtimes), overflow="fold")
    cells = [
        answer_lines(group, timeout_s=panel.timeout_s, chars=panel.chars) for group in asked.groups
    ]
    table.add_row(*(Text("\n".join(filter(None, lines))) for lines in cells))
    return table


class _History(FileHistory):
    """Keep what was typed; bytes that are no text would end the prompt."""

    def store_string(self, string: str) -> None:
        """Write an entry, unless it is no text."""
        if is_text(string):
            super().store_string(string)


def _history(path: Path) -> History:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError:  # a prompt without memory is better than none
        return InMemoryHistory()
    return _History(str(path))


def _keys() -> KeyBindings:
    """Let Enter send what ends with a full stop, or what an empty line follows."""
    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if is_complete(buffer.text) or not buffer.document.current_line.strip():
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    return keys

"""Text of others: nothing in it steers a terminal, and nothing else changes."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from harness.system.visible import visible, visible_json


def test_sequences_are_shown() -> None:
    """Colours, titles, returns and turned text are written out; lines and tabs stay."""
    assert visible("a\x1b[31mred\x07\rb\tc\n") == "a\\x1b[31mred\\x07\\x0db\tc\n"
    assert visible("\x9b2J \x7f \u202egpj.exe\u2066") == "\\x9b2J \\x7f \\u202egpj.exe\\u2066"


@given(text=st.text())
def test_nothing_that_steers_is_left(text: str) -> None:
    """Whatever comes in, no control character but the line's and the tab goes out."""
    shown = visible(text)
    assert not [char for char in shown if unicodedata.category(char) == "Cc" and char not in "\n\t"]
    assert not [char for char in shown if unicodedata.bidirectional(char) in {"RLO", "LRO", "RLI"}]


@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u061c")))
def test_ordinary_text_stays(text: str) -> None:
    """Letters of any script, emoji and their joiners are not touched."""
    plain = "".join(char for char in text if unicodedata.category(char) not in {"Zl", "Zp", "Cf"})
    assert visible(plain) == plain


@given(value=st.text())
def test_json_says_the_same(value: str) -> None:
    """A string is read back as it was."""
    shown = visible_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(shown) == value
    assert not [char for char in shown if unicodedata.category(char) == "Cc"]

"""The words that tell one sentence about the VM from another: names, numbers, stems, their form.

Knows: how Erlang writes names, stems of words. Must not know: claims, documents.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import snowballstemmer

from harness.documents.english import HEDGES, NEGATIONS, NUMBERS, SAME, STOP, UNIVERSALS, VERBS


class Kind(StrEnum):
    """Say what a word is: names and numbers tell more than other words."""

    NAME = "name"
    NUMBER = "number"
    WORD = "word"


@dataclass(frozen=True, slots=True)
class Word:
    """Hold one word as it is compared: a stem, a number without commas, a name without arity."""

    kind: Kind
    text: str


_TOKEN = re.compile(
    r"""
    (?P<call>[a-z]\w*:[a-z]\w*|[a-z]\w*(?=/\d))(?:/\d+)?   # ets:info/2, link/1
  | (?P<flag>(?<![\w+])\+[A-Za-z]\w*)                      # +sbwt
  | (?P<name>[a-zA-Z]\w*_\w+|'[A-Z]+')                     # max_heap_size, 'DOWN'
  | (?P<number>\d[\d,]*(?:\.\d+)?)
  | (?P<word>[A-Za-z]+(?:'[a-z]+)?)
    """,
    re.VERBOSE,
)
_VM = re.compile(r"\b(?:Erlang )?virtual machine\b", re.IGNORECASE)
_MAILBOX = re.compile(r"\bmessage queue\b", re.IGNORECASE)
_SOME_OF_ALL = re.compile(
    r"\b(?:all|any|each|every) (?:\w+ ){1,2}(?:that|which|who|whose|with)\b", re.IGNORECASE
)
_PART = re.compile(r"[a-z]{3,}")
_stemmer = snowballstemmer.stemmer("english")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Hold the words of a text, each once, and its form.

    `parts` are those among `found` that names are made of. `denies` tells that something is not so,
    `universal` that it is so of all or always, `hedged` that there are exceptions.
    """

    found: frozenset[Word]
    parts: frozenset[Word]
    denies: bool
    universal: bool
    hedged: bool

    @property
    def numbers(self) -> frozenset[Word]:
        """Return the numbers among them."""
        return frozenset(word for word in self.found if word.kind is Kind.NUMBER)


def words_of(text: str) -> Words:
    """Return what a text is compared by."""
    found: set[Word] = set()
    parts: set[Word] = set()
    denies = universal = hedged = False
    for token in _TOKEN.finditer(_MAILBOX.sub("mailbox", _VM.sub("VM", text))):
        said = token.group().lower()
        match token.lastgroup:
            case "call" | "name" | "flag":
                name = token[token.lastgroup].lower().strip("'")
                found |= {Word(Kind.NAME, part) for part in name.split(":")}
                parts |= {Word(Kind.WORD, _stem(part)) for part in _PART.findall(name)}
            case "number":
                found.add(Word(Kind.NUMBER, said.replace(",", "")))
            case _:
                denies |= _denies(said)
                universal |= said in UNIVERSALS
                hedged |= said in HEDGES
                found |= _plain_words(said)
    return Words(
        found=frozenset(found | parts),
        parts=frozenset(parts),
        denies=denies,
        universal=universal,
        hedged=hedged or _SOME_OF_ALL.search(text) is not None,
    )


def _denies(word: str) -> bool:
    return word in NEGATIONS or word.endswith("n't")


def _plain_words(word: str) -> set[Word]:
    """Return a word as it is compared, nothing where it tells nothing."""
    if word in NUMBERS:
        return {Word(Kind.NUMBER, NUMBERS[word])}
    return set() if word in STOP or _denies(word) else {Word(Kind.WORD, _stem(word))}


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    stem = str(_stemmer.stemWord(VERBS.get(word, word)))
    return SAME.get(word) or SAME.get(stem, stem)

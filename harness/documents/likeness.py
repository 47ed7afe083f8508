"""Which statement or rival of which claim a sentence is like.

Knows: claims, SQLite's full-text ranking. Must not know: documents, verdicts.

SQLite's FTS5 ranks all statements and rivals by BM25, names and numbers weighing most; the first
ones are compared word by word, for a score that means the same in every document.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.authoring.sentences import fold
from harness.claims.model import Claim
from harness.documents.comparison import WEIGHTS, Comparison
from harness.documents.words import Kind, Word, Words, words_of
from harness.errors import BeamproofError

LEAST_REFUTED = 0.6
LEAST_PROVEN = 0.77
"""The score from which a sentence counts as like a rival, and as like a statement."""

_CANDIDATES = 40
_CLAUSE = re.compile(r"[:;,]\s+")
_PART = re.compile(r"[;:]\s+| - |\s?[()]")
_FEWEST_IN_PART = 4
_STATES_NOTHING = re.compile(r"""\?["')]*$|^Can\b""")


@dataclass(frozen=True, kw_only=True)
class Belief:
    """Hold one sentence of a claim: its statement, or (a part of) its rival of that number."""

    claim: Claim
    text: str
    rival: int | None

    @cached_property
    def words(self) -> Words:
        """Return what it is compared by."""
        return words_of(self.text)

    @cached_property
    def clauses(self) -> tuple[Words, ...]:
        """Return the same of each clause."""
        return tuple(map(words_of, _CLAUSE.split(self.text)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Like:
    """Say how like (0 to 1) a sentence is to a belief."""

    belief: Belief
    score: float


class Beliefs:
    """Hold all statements and rivals, ready to be compared with.

    Raises:
        BeamproofError: this Python's SQLite has no full-text search.
    """

    def __init__(self, claims: Iterable[Claim]) -> None:
        self._all = [belief for claim in claims for belief in _beliefs_of(claim)]
        self._statements = {one.claim.name: one for one in self._all if one.rival is None}
        self._comparison = Comparison([one.words for one in self._all])
        self._index = _index(self._all)
        self._by_text = {_same(one.text): one for one in self._all if one.rival is not None}
        self._by_text |= {_same(one.text): one for one in self._statements.values()}

    def refuted(self, sentence: str) -> Like | None:
        """Return the rival that a sentence repeats most likely, None where it is like none."""
        return self._best(sentence, rivals=True)

    def proven(self, sentence: str) -> Like | None:
        """Return the statement that says what a sentence says most likely, None if none does."""
        return self._best(sentence, rivals=False)

    def _best(self, sentence: str, *, rivals: bool) -> Like | None:
        if _STATES_NOTHING.search(sentence):
            return None
        word_for_word = self._word_for_word(sentence)
        if word_for_word is not None:
            is_meant = (word_for_word.rival is not None) is rivals
            return Like(belief=word_for_word, score=1.0) if is_meant else None
        found = [
            Like(belief=belief, score=self._score(words, belief))
            for words in map(words_of, parts_of(sentence))
            for belief in self._ranked(words)
            if (belief.rival is not None) is rivals
        ]
        best = max(found, key=lambda one: one.score, default=None)
        least = LEAST_REFUTED if rivals else LEAST_PROVEN
        return best if best is not None and best.score >= least else None

    def _word_for_word(self, sentence: str) -> Belief | None:
        """Return the belief that a sentence, or else a part of it, has the very words of."""
        known = (self._by_text.get(_same(part)) for part in parts_of(sentence))
        return next((one for one in known if one is not None), None)

    def _score(self, words: Words, belief: Belief) -> float:
        truth = self._statements[belief.claim.name]
        if belief.rival is None:
            return self._comparison.to_statement(words, truth.words, truth.clauses)
        return self._comparison.to_rival(words, belief.words, truth.words, truth.clauses)

    def _ranked(self, words: Words) -> Iterator[Belief]:
        if not words.found:
            return
        query = " OR ".join(f'{word.kind}s : "{_coded(word)}"' for word in words.found)
        rows = self._index.execute(
            "SELECT rowid FROM beliefs WHERE beliefs MATCH ?"
            " ORDER BY bm25(beliefs, ?, ?, ?), rowid LIMIT ?",
            (query, *(WEIGHTS[kind] for kind in Kind), _CANDIDATES),
        )
        yield from (self._all[row] for (row,) in rows)


def parts_of(sentence: str) -> tuple[str, ...]:
    """Return a sentence and its parts: what stands between semicolons, dashes and brackets."""
    parts = [part for part in _PART.split(sentence) if len(part.split()) >= _FEWEST_IN_PART]
    return (sentence, *(part for part in parts if part != sentence))


def _same(text: str) -> str:
    return fold(text).rstrip(".").casefold()


def _beliefs_of(claim: Claim) -> Iterator[Belief]:
    yield Belief(claim=claim, text=claim.statement, rival=None)
    for number, rival in enumerate(claim.rivals):
        for part in rival.statement.split("; "):
            yield Belief(claim=claim, text=part, rival=number)


def _index(beliefs: Sequence[Belief]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE beliefs USING fts5(names, numbers, words)")
    except sqlite3.OperationalError as error:
        raise BeamproofError(
            f"the SQLite of this Python has no full-text search: {error}",
            hint="use a Python whose sqlite3 has FTS5, as Debian's has",
        ) from error
    rows = ((number, *_columns(one.words)) for number, one in enumerate(beliefs))
    connection.executemany(
        "INSERT INTO beliefs(rowid, names, numbers, words) VALUES (?, ?, ?, ?)", rows
    )
    return connection


def _columns(words: Words) -> tuple[str, ...]:
    return tuple(
        " ".join(sorted(_coded(word) for word in words.found if word.kind is kind)) for kind in Kind
    )


def _coded(word: Word) -> str:
    """Return a word that SQLite's tokenizer leaves whole."""
    return "".join(sign if sign.isalnum() else f"x{ord(sign):x}x" for sign in word.text)

"""How like a sentence is to a statement or a rival: a score from 0 to 1.

Knows: words and how rare they are. Must not know: documents, ranking, verdicts.

Two sentences about one thing share most of their words, also where one says the opposite of the
other. So what tells a rival from the truth must stand in the sentence: a word of its own, or else
that it denies something, or that it speaks of all.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from harness.documents.words import Kind, Word, Words

WEIGHTS: Mapping[Kind, float] = {Kind.NAME: 2.0, Kind.NUMBER: 2.0, Kind.WORD: 1.0}
"""How much more a name or a number tells than another word as rare."""

# By hand, on the guides of the tests; weights are in nats, of a word that one belief in 30 has 3.4.
_COVERED = 0.6  # share of the score that the belief's words have; the sentence's have the rest
_TOLD = 0.5  # of what tells the rival from the truth so much must be in the sentence
_PROSE = 0.4  # and so much of its words that belong to no name
_WHOLE_PROSE = 0.55  # the same of a sentence, in a statement that is like it
_OWN = 3.0  # weight from which words count as telling a rival from the truth
_WHOLE = 0.8  # how much of a rival must be there that no word tells from the truth
_FEWEST_WORDS = 3
_COMMON = 6.0  # weight of what sentence and rival share at least
_CONTEXT = 10.5  # the same with what the sentence shares with the claim's statement
_FEWEST_BELIEFS = 2000  # among fewer, words count as rare as among so many
_AGAINST = 0.5  # what words cost at most that are the truth's and not the rival's
_NARROWER = 0.85  # what it costs that the rival speaks of all, and the sentence does not


class Comparison:
    """Compare texts by words that weigh the more, the fewer beliefs have them.

    Args:
        beliefs: the words of all statements and rivals.
    """

    def __init__(self, beliefs: Sequence[Words]) -> None:
        counts = Counter(word for one in beliefs for word in one.found)
        every = max(len(beliefs), _FEWEST_BELIEFS)
        self._weights = {
            word: WEIGHTS[word.kind] * math.log(1 + every / count) for word, count in counts.items()
        }
        self._unknown = {kind: weight * math.log(1 + every) for kind, weight in WEIGHTS.items()}
        self._sums: dict[frozenset[Word], float] = {}

    def weight(self, words: Iterable[Word]) -> float:
        """Return how much words tell together."""
        known, unknown = self._weights, self._unknown
        return sum(known[word] if word in known else unknown[word.kind] for word in words)

    def _whole(self, words: frozenset[Word]) -> float:
        if words not in self._sums:
            self._sums[words] = self.weight(words)
        return self._sums[words]

    def overlap(self, one: Words, other: Words) -> float:
        """Return which part of two texts is common to both."""
        whole = self._whole(one.found) + self._whole(other.found)
        return 2 * self.weight(one.found & other.found) / whole if whole else 0.0

    def nearest(self, sentence: Words, clauses: Sequence[Words]) -> Words:
        """Return the clause that is most like a sentence."""
        return max(clauses, key=lambda one: self.overlap(sentence, one))

    def to_statement(self, sentence: Words, whole: Words, clauses: Sequence[Words]) -> float:
        """Return how much a sentence says what a statement, or a clause of it, says."""
        clause = self.nearest(sentence, (*clauses, whole))
        common = sentence.found & whole.found
        if sentence.denies != clause.denies or not sentence.numbers <= whole.numbers:
            return 0.0
        if sentence.universal and not clause.universal:
            return 0.0
        if self._share(whole.found, _prose(sentence)) < _WHOLE_PROSE:
            return 0.0
        if len(common) < _FEWEST_WORDS or self.weight(common) < _CONTEXT:
            return 0.0
        return self._mixed(
            covered=self._share(sentence.found, clause.found),
            taken=(
                self._share(whole.found, sentence.found) + self._share(clause.found, sentence.found)
            )
            / 2,
        )

    def to_rival(
        self, sentence: Words, rival: Words, whole: Words, clauses: Sequence[Words]
    ) -> float:
        """Return how much a sentence says what a rival says, and not what is true.

        Args:
            sentence: of a document.
            rival: the wrong belief.
            whole: the statement that it rivals.
            clauses: the same in parts.
        """
        truth = self.nearest(sentence, (*clauses, whole))
        if self._is_another(sentence, rival, whole) or self._is_truth(sentence, rival, truth):
            return 0.0
        covered = self._share(sentence.found, rival.found)
        own = rival.found - whole.found
        if self.weight(own) >= _OWN:
            if self._share(sentence.found, own) < _TOLD:
                return 0.0
        elif covered < _WHOLE or not _told_by_form(sentence, rival, truth):
            return 0.0
        score = self._mixed(covered=covered, taken=self._share(rival.found, sentence.found))
        if rival.universal and not sentence.universal:
            score *= _NARROWER
        return score * (1 - _AGAINST * self._leaning(sentence, rival, whole))

    def _is_another(self, sentence: Words, rival: Words, whole: Words) -> bool:
        """Tell whether a sentence is about another thing, or says another thing of it."""
        common = sentence.found & rival.found
        prose = _prose(rival)
        telling = rival.numbers - whole.numbers
        return (
            sentence.denies != rival.denies
            or (rival.universal and sentence.hedged)
            or not telling <= sentence.numbers
            or bool(sentence.numbers & (whole.numbers - rival.numbers))
            or len(common) < _FEWEST_WORDS
            or self.weight(common) < _COMMON
            or self.weight(sentence.found & (rival.found | whole.found)) < _CONTEXT
            or (bool(prose) and self._share(sentence.found, prose) < _PROSE)
        )

    def _is_truth(self, sentence: Words, rival: Words, truth: Words) -> bool:
        nearer = self.overlap(sentence, truth) >= self.overlap(sentence, rival)
        return nearer and truth.denies == sentence.denies

    def _leaning(self, sentence: Words, rival: Words, whole: Words) -> float:
        """Return how far a sentence leans to the truth: 0 where only words of the rival tell."""
        against = self.weight(sentence.found & (whole.found - rival.found))
        own = self.weight(sentence.found & (rival.found - whole.found))
        return against / (against + (own or self.weight(sentence.found & rival.found)))

    def _share(self, words: frozenset[Word], of: frozenset[Word]) -> float:
        """Return which part of the words `of` is among others."""
        whole = self._whole(of)
        return self.weight(of & words) / whole if whole else 0.0

    def _mixed(self, *, covered: float, taken: float) -> float:
        return _COVERED * covered + (1 - _COVERED) * taken


def _told_by_form(sentence: Words, rival: Words, truth: Words) -> bool:
    """Tell whether a sentence has the rival's form: what the truth denies, what it says of some."""
    of_all = rival.universal and sentence.universal and not truth.universal
    return truth.denies != rival.denies or of_all


def _prose(words: Words) -> frozenset[Word]:
    """Return the words that belong to no name."""
    return frozenset(word for word in words.found - words.parts if word.kind is not Kind.NAME)

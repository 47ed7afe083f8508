"""Questions whose answer neither length nor position nor wording tells: what stands beside it.

Knows: sentences and how they look. Must not know: what they mean, runs, formats.

The true sentence is as often the shortest of its choices as the second, third or fourth, at each
place as often as at any other, and beside sentences of about its length that leave no exception,
hedge and deny as it does. What cannot be brought to that is dropped.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from harness.report.export.chooser import answered
from harness.report.export.giveaway import Score, learn
from harness.report.export.sentences import forms, leans

CHOICES = 4
_FARTHEST = 1.7
"""How many times as long as the true sentence, or as short, another one may be."""

_MOST_USES = 1
"""In so many questions one wrong belief may stand."""

_ROUNDS = 3
"""So often the score is mended by what is left to be seen in the questions made by it."""

_DIVISIONS = 4
_PARTS = 6
"""How often, and into how many parts, questions are divided to see what they teach."""

_WANTED = 1 / CHOICES
"""How often somebody who understands nothing may be right before: he finds something else then."""

_CANDIDATES = 14
"""So many wrong beliefs are tried in every combination."""


@dataclass(frozen=True, slots=True)
class Belief:
    """Hold a wrong statement, of which claim it is a rival, and the releases that contradict it."""

    statement: str
    claim: str
    releases: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Hold a claim that may become a question; `at` is its place among its skill's."""

    claim: str
    skill: str
    at: int
    statement: str
    releases: frozenset[str]
    rivals: tuple[Belief, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Balanced:
    """Hold a question: the true sentence, the others, and where the true one stands."""

    candidate: Candidate
    truth: str
    others: tuple[Belief, ...]
    place: int

    @property
    def choices(self) -> tuple[str, ...]:
        """Return all sentences in their order."""
        others = [one.statement for one in self.others]
        return (*others[: self.place], self.truth, *others[self.place :])


def balanced(candidates: Sequence[Candidate], seed: str) -> tuple[Balanced, ...]:
    """Return the questions that can be balanced, in the order of the candidates.

    Args:
        candidates: claims with their rivals, the claims of a skill one after the other.
        seed: decides ties and orders; the same for equal input.
    """
    turns = sorted(candidates, key=lambda it: digest(seed, "turn", it.claim))
    true = [forms(one.statement)[0] for one in candidates]
    wrong = [belief.statement for one in candidates for belief in one.rivals]
    scores: list[Score] = []
    for _ in range(_ROUNDS):
        scores.append(learn(true, wrong))
        maker = _Maker(candidates, lambda it: sum(score(it) for score in scores), seed)
        for one in turns:
            maker.add(one)
        true = [made.truth for made in maker.made.values()]
        wrong = [belief.statement for made in maker.made.values() for belief in made.others]
    kept = _evenly(_untold(maker.made, seed), seed)
    dealt = sorted(kept, key=lambda it: digest(seed, "place", it))
    places = {claim: turn % CHOICES for turn, claim in enumerate(dealt)}
    return tuple(
        _question(one, kept[one.claim], places[one.claim], seed)
        for one in candidates
        if one.claim in kept
    )


def digest(seed: str, *words: str) -> str:
    """Return a text that orders things at random, and always the same."""
    return hashlib.sha256("\0".join((seed, *words)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Made:
    """Hold a true sentence and its company; `ranks` are its places by score and by length."""

    cost: float
    truth: str
    others: tuple[Belief, ...]
    ranks: tuple[int, int]


class _Maker:
    """Make questions one by one, each so that what is frequent so far becomes rarer."""

    def __init__(self, candidates: Sequence[Candidate], score: Score, seed: str) -> None:
        self.made: dict[str, _Made] = {}
        self._seed = seed
        self._skills: dict[str, list[Candidate]] = {}
        for one in candidates:
            self._skills.setdefault(one.skill, []).append(one)
        self._score = lru_cache(maxsize=None)(score)
        self._taken: Counter[str] = Counter()
        self._counts: tuple[Counter[int], Counter[int]] = (Counter(), Counter())

    def add(self, one: Candidate) -> None:
        """Make a question of a claim, if there is company for its sentence."""
        options = [made for truth in forms(one.statement) for made in self._options(one, truth)]
        if not options:
            return
        best = min(options, key=lambda it: (self._frequent(it), it.cost, it.truth))
        self.made[one.claim] = best
        self._taken.update(belief.statement for belief in best.others)
        for counts, rank in zip(self._counts, best.ranks, strict=True):
            counts[rank] += 1

    def _frequent(self, made: _Made) -> int:
        return sum(counts[rank] for counts, rank in zip(self._counts, made.ranks, strict=True))

    def _options(self, one: Candidate, truth: str) -> Iterable[_Made]:
        """Yield for each pair of ranks of a true sentence its best company."""
        score = self._score(truth)
        near = sorted(
            (self._cost(score, belief, one), digest(self._seed, belief.statement), belief)
            for belief in self._beliefs(one, truth)
        )[:_CANDIDATES]
        best: dict[tuple[int, int], _Made] = {}
        for some in combinations(near, CHOICES - 1):
            others = tuple(belief for _, _, belief in some)
            if not any(belief.claim == one.claim for belief in others):
                continue
            ranks = (
                sum(self._score(belief.statement) < score for belief in others),
                sum(len(belief.statement) < len(truth) for belief in others),
            )
            cost = sum(cost for cost, _, _ in some)
            if ranks not in best or cost < best[ranks].cost:
                best[ranks] = _Made(cost, truth, others, ranks)
        yield from best.values()

    def _beliefs(self, one: Candidate, truth: str) -> Iterable[Belief]:
        """Yield what may stand beside a true sentence: contradicted on all of its releases."""
        for other in self._skills[one.skill]:
            for belief in other.rivals:
                fits = 1 / _FARTHEST <= len(belief.statement) / len(truth) <= _FARTHEST
                alone = other.claim == one.claim or not leans(belief.statement)
                fresh = self._taken[belief.statement] < _MOST_USES
                if fits and alone and fresh and one.releases <= belief.releases:
                    yield belief

    def _cost(self, score: float, belief: Belief, one: Candidate) -> float:
        """Return how badly a belief goes with a true sentence: by its look and its subject."""
        unlike = abs(self._score(belief.statement) - score)
        if belief.claim == one.claim:
            return unlike - 1.0
        other = next(it for it in self._skills[one.skill] if it.claim == belief.claim)
        apart = abs(other.at - one.at) / len(self._skills[one.skill])
        return unlike + apart


def _untold(made: Mapping[str, _Made], seed: str) -> dict[str, _Made]:
    """Return the questions without those that a chooser answers who has seen the others.

    Dropped are those that it answers most often in several divisions, until it does as chance.
    """
    claims = list(made)
    questions = [_placed(one, seed, claim) for claim, one in made.items()]
    told: Counter[str] = Counter()
    for turn in range(_DIVISIONS):
        order = sorted(range(len(claims)), key=lambda at: digest(seed, str(turn), claims[at]))
        for claim, right in zip(claims, answered(questions, order, _PARTS), strict=True):
            told[claim] += right
    kept = sorted(claims, key=lambda it: (told[it], digest(seed, "told", it)))
    while kept and sum(told[it] for it in kept) > _WANTED * _DIVISIONS * len(kept):
        kept.pop()
    return {claim: made[claim] for claim in claims if claim in set(kept)}


def _placed(made: _Made, seed: str, claim: str) -> tuple[tuple[str, ...], int]:
    place = int(digest(seed, "try", claim), 16) % CHOICES
    others = [belief.statement for belief in made.others]
    return (*others[:place], made.truth, *others[place:]), place


def _evenly(made: Mapping[str, _Made], seed: str) -> dict[str, _Made]:
    """Return the questions without those whose true sentence has a rank too frequent.

    By score and by length it is afterwards as often (but for one) at each rank.
    """
    kept = dict(made)
    while kept:
        surplus = _surplus(kept.values())
        if max(map(max, (its.values() for its in surplus))) <= 1:
            break
        over = {
            claim: sum(its[rank] for its, rank in zip(surplus, one.ranks, strict=True))
            for claim, one in kept.items()
        }
        del kept[max(kept, key=lambda it: (over[it], digest(seed, "kept", it)))]
    return kept


def _surplus(made: Iterable[_Made]) -> tuple[Counter[int], Counter[int]]:
    """Return how much more often than the rarest each rank is, by score and by length."""
    counts = tuple(Counter(range(CHOICES)) for _ in range(2))
    for one in made:
        for its, rank in zip(counts, one.ranks, strict=True):
            its[rank] += 1
    by_score, by_length = (
        Counter({rank: count - min(its.values()) for rank, count in its.items()}) for its in counts
    )
    return by_score, by_length


def _question(one: Candidate, made: _Made, place: int, seed: str) -> Balanced:
    mixed = sorted(made.others, key=lambda it: digest(seed, "order", one.claim, it.statement))
    return Balanced(candidate=one, truth=made.truth, others=tuple(mixed), place=place)

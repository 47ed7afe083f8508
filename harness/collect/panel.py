"""All releases of one command, asked the same at once, each on one node that it keeps.

Knows: releases, evaluators, threads. Must not know: where expressions come from, how answers are
shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Self, TypeVar

from harness.collect.evaluation import CHARS, DEADLINE_S, Evaluator
from harness.collect.node import Node
from harness.collect.probes import ProbeStore
from harness.collect.releases import Releases
from harness.run import answers as said
from harness.run.answers import Answered, Group

T = TypeVar("T")

Answers = Mapping[str, Answered]
"""What one expression gave, by runtime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Hold what was asked, what each runtime answered, and which of them said the same.

    `is_load` tells that a module was loaded, not an expression evaluated. `changing` are the
    numbers, by position, that were others when a runtime was asked again; `unsteady` are the
    runtimes that answered otherwise in more than numbers.
    """

    text: str
    answers: Answers
    is_load: bool = False
    changing: frozenset[int] = frozenset()
    unsteady: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return the runtimes that gave the same answer, together."""
        return said.grouped(self.answers, self.changing)

    @property
    def in_doubt(self) -> bool:
        """Tell whether runtimes differ in numbers alone, which may be timings."""
        pairs = combinations(self.answers.values(), 2)
        return any(
            said.same_but_for_numbers(one, other) and not said.same(one, other)
            for one, other in pairs
        )


@dataclass(slots=True)
class Panel:
    """Ask every release at once; use as a context manager, which ends nodes of its own.

    A call that is interrupted ends all nodes: nothing is left running behind it.

    Args:
        opened: the releases; their nodes are asked, and are no place for probes afterwards.
        timeout_s: of each expression.
        chars: how many characters of a printed term are returned.
    """

    opened: Releases
    timeout_s: float = DEADLINE_S
    chars: int = CHARS
    _evaluators: dict[str, Evaluator] = field(default_factory=dict)
    _own: list[Node] = field(default_factory=list)

    def __enter__(self) -> Self:
        for name in self.opened.runtimes:
            self._evaluators[name] = self._evaluator(self.opened.started(name))
        return self

    def __exit__(self, *_exception: object) -> None:
        for node in self._own:
            node.close()

    def ask(self, text: str) -> Asked:
        """Evaluate an expression on every release."""
        return Asked(text=text, answers=self._each(lambda one: one.evaluate(text)))

    def load(self, store: ProbeStore, module: str) -> Asked:
        """Have every release compile and load a module of the store."""
        answers = self._each(lambda one: one.load(store, module))
        return Asked(text=f"{module}.erl", answers=answers, is_load=True)

    def rest(self) -> Mapping[str, str]:
        """Return what was printed after the last answer, by runtime, where something was."""
        found = {name: one.rest() for name, one in self._evaluators.items()}
        return {name: text for name, text in found.items() if text}

    def renew(self) -> tuple[str, ...]:
        """Start a node anew for each runtime whose VM ended; return whose."""
        gone = [name for name, one in self._evaluators.items() if not one.node.fit()]
        for name in gone:
            self._begin(name)
        return tuple(gone)

    def again(self, asked: Sequence[Asked], repeat: Callable[[Panel, Asked], Asked]) -> list[Asked]:
        """Ask everything again, each release on a VM of its own that was asked nothing before.

        Args:
            asked: in the order in which it was asked.
            repeat: asks one of them of a panel.

        Returns:
            The same, with what was otherwise the second time.
        """
        second = Panel(self.opened, self.timeout_s, self.chars)
        try:
            second._at_once(second._begin, list(self._evaluators))
            return [_compared(one, repeat(second, one)) for one in asked]
        finally:
            second.kill()

    def kill(self) -> None:
        """End all nodes at once, from any thread."""
        for node in (*self._own, *(one.node for one in list(self._evaluators.values()))):
            node.kill()

    def _begin(self, name: str) -> None:
        node = self.opened.another(name)
        self._own.append(node)
        node.open()
        self._evaluators[name] = self._evaluator(node)

    def _evaluator(self, node: Node) -> Evaluator:
        return Evaluator(node, timeout_s=self.timeout_s, chars=self.chars)

    def _each(self, ask: Callable[[Evaluator], Answered]) -> Answers:
        return self._at_once(lambda name: ask(self._evaluators[name]), list(self._evaluators))

    def _at_once(self, do: Callable[[str], T], names: Sequence[str]) -> dict[str, T]:
        """Do something for each runtime, all at once."""
        with ThreadPoolExecutor(max(1, len(names)), thread_name_prefix="ask") as pool:
            try:
                return dict(zip(names, pool.map(do, names), strict=True))
            except BaseException:
                self.kill()  # else the pool would wait for what nobody waits for any more
                raise


def _compared(first: Asked, second: Asked) -> Asked:
    """Return what was asked first, with what was otherwise the second time."""
    found = {
        name: said.changing(first.answers[name], answer) for name, answer in second.answers.items()
    }
    return replace(
        first,
        changing=frozenset().union(*(numbers or () for numbers in found.values())),
        unsteady=tuple(name for name, numbers in found.items() if numbers is None),
    )

"""Any expression on a node: what it gave, what it printed, within a deadline.

Knows: the node's module that evaluates, and its outcome. Must not know: where expressions come
from, other nodes, how answers are compared or shown.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

import msgspec

from harness.bridge.terms import Atom
from harness.collect.node import Node
from harness.collect.probes import TRY, ProbeStore
from harness.errors import NodeError, RemoteError
from harness.run.answers import Answered, Kind
from harness.system.visible import visible

DEADLINE_S = 10.0
CHARS = 4000
"""Of a printed term; the rest is compared by its checksum."""

_GRACE_S = 5.0
"""What the VM may take longer than the deadline to say that it has passed."""

_MARK_S = 1.0
_POLL_S = 0.001


class _Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what `probe_try:evaluate/3` returns, as JSON."""

    kind: Kind
    text: str = ""
    pretty: str = ""
    cut: bool = False
    checksum: int | None = None
    plain: str = "none"
    error_class: str = ""
    stack: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    elapsed_us: int | None = None


class _Plain(msgspec.Struct, frozen=True):
    value: object


@dataclass(slots=True)
class Evaluator:
    """Evaluate expressions on an open node, in order; bindings are kept from one to the next.

    The node is no place for probes any more. Once it has ended, every further answer is `ENDED`.

    Args:
        node: is open; its owner closes it.
        timeout_s: of each expression. One that takes longer is killed, its node goes on.
        chars: how many characters of a printed term are returned.
    """

    node: Node
    timeout_s: float = DEADLINE_S
    chars: int = CHARS

    def evaluate(self, text: str) -> Answered:
        """Evaluate an expression, or several that commas separate, without the full stop.

        Raises:
            CompileError, InfrastructureError: the module that evaluates cannot be had.
        """
        if not self.node.alive:
            return Answered(kind=Kind.ENDED, text="not asked: its VM has ended")
        mark = f"{secrets.token_hex(16)}\n"
        options = {
            Atom("deadline_ms"): max(1, int(self.timeout_s * 1000)),
            Atom("chars"): self.chars,
        }
        try:
            self.node.load(TRY)
            answer = self.node.call(
                "probe_try",
                "evaluate",
                [text.encode(), options, mark.encode()],
                timeout_s=self.timeout_s + _GRACE_S,
            )
            outcome = msgspec.convert(answer.value, _Outcome)
        except RemoteError as error:
            return self._ended(f"what evaluates failed: {error.message}", mark)
        except NodeError as error:
            return self._ended(error.message, mark)
        except msgspec.ValidationError as error:
            self.node.kill()
            return self._ended(f"{self.node.name}: not an outcome: {error}", mark)
        return _answered(outcome, self._output(answer.log, mark))

    def load(self, store: ProbeStore, module: str) -> Answered:
        """Have a module of the node's store compiled and loaded.

        Returns:
            A `VALUE` that says so, or `REFUSED`; with the compiler's words.

        Raises:
            InfrastructureError: the VM has no compiler, and there is none elsewhere.
            InputError: there is no such module.
        """
        compiled = store.compiled(self.node, [module])[module]
        if compiled.errors is not None:
            return Answered(kind=Kind.REFUSED, errors=_said(compiled.errors))
        warnings = _said(compiled.warnings)
        try:
            self.node.load([module])
        except RemoteError as error:
            why = f"the VM does not load it: {error.message}"
            return Answered(kind=Kind.REFUSED, errors=(visible(why),), warnings=warnings)
        except NodeError as error:
            return self._ended(error.message, "")
        return Answered(
            kind=Kind.VALUE, text="compiled and loaded", warnings=warnings, output=self.rest()
        )

    def rest(self) -> str:
        """Return what was printed after the last answer."""
        return _lines(self.node.take_log())

    def _ended(self, how: str, mark: str) -> Answered:
        text = how.removeprefix("probe_try:evaluate/3: ").removeprefix(f"{self.node.name}: ")
        output = _lines(self.node.take_log().replace(mark, ""))
        return Answered(kind=Kind.ENDED, text=visible(text), output=output)

    def _output(self, log: str, mark: str) -> str:
        """Return what was printed up to the mark that ends it."""
        deadline = time.monotonic() + _MARK_S
        while mark not in log and time.monotonic() < deadline and self.node.alive:
            time.sleep(_POLL_S)
            log += self.node.take_log()
        return _lines(log.replace(mark, ""))


def _said(compiler: str) -> tuple[str, ...]:
    """Return what a compiler said, a line each, without the release that leads it."""
    _, _, lines = compiler.partition("\n")
    return tuple(visible(line) for line in lines.splitlines() if line)


def _lines(log: str) -> str:
    """Return what was printed, without the carriage returns of a VM that takes it for a screen."""
    return log.replace("\\x0d\n", "\n")


def _answered(outcome: _Outcome, output: str) -> Answered:
    is_plain = outcome.plain != "none"
    value = msgspec.json.decode(outcome.plain, type=_Plain).value if is_plain else None
    return Answered(
        kind=outcome.kind,
        text=visible(outcome.text),
        pretty=visible(outcome.pretty),
        cut=outcome.cut,
        checksum=outcome.checksum,
        plain=value,
        is_plain=is_plain,
        error_class=visible(outcome.error_class),
        stack=tuple(map(visible, outcome.stack)),
        notes=tuple(map(visible, outcome.notes)),
        errors=tuple(map(visible, outcome.errors)),
        warnings=tuple(map(visible, outcome.warnings)),
        output=output,
        elapsed_us=outcome.elapsed_us,
    )

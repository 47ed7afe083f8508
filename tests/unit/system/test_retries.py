"""Retries: what may have failed by chance is tried again, nothing else is."""

from __future__ import annotations

import pytest

from harness.errors import CallTimeoutError, NodeDiedError
from harness.system.retries import again


def failing(errors: list[Exception]) -> tuple[list[str], object]:
    """Return a record of calls, and an action that raises each error in turn and then returns."""
    calls: list[str] = []

    def action() -> str:
        calls.append("called")
        if errors:
            raise errors.pop(0)
        return "done"

    return calls, action


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_it_is_tried_until_it_works(failures: int) -> None:
    """As many attempts as it takes, no more."""
    calls, action = failing([CallTimeoutError("late")] * failures)
    assert again(action, CallTimeoutError, attempts=3) == "done"  # type: ignore[arg-type]
    assert len(calls) == failures + 1


def test_the_last_failure_is_raised() -> None:
    """When attempts run out, the error is the action's own."""
    calls, action = failing([CallTimeoutError(text) for text in ("one", "two", "three")])
    with pytest.raises(CallTimeoutError, match="two"):
        again(action, CallTimeoutError, attempts=2)  # type: ignore[arg-type]
    assert len(calls) == 2


def test_another_error_is_not_tried_again() -> None:
    """What fails for a reason fails at once, also on a later attempt."""
    calls, action = failing([CallTimeoutError("late"), NodeDiedError("gone")])
    with pytest.raises(NodeDiedError):
        again(action, CallTimeoutError, attempts=5)  # type: ignore[arg-type]
    assert len(calls) == 2

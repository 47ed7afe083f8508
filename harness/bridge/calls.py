"""A conversation with one VM: calls and their answers, each by a deadline.

Knows: messages over a channel. Must not know: which modules the VM has, or what calls mean.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence

from harness.bridge import framing, messages
from harness.bridge.channel import Channel
from harness.bridge.messages import Context, Fault
from harness.bridge.terms import Atom, Term
from harness.errors import (
    CallTimeoutError,
    NoCompilerError,
    NodeDiedError,
    ProtocolError,
    RemoteError,
)

_DEATH_S = 2.0
"""How long a VM whose pipe has ended may take to end itself."""

_STACK = 100
_SHOWN_CHARS = 2000


class Session:
    """Call functions of the VM at the other end of a channel, one at a time.

    `usable` turns False with the first error after which nothing that the VM says can be trusted.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.usable = True
        self._frames = framing.FrameReader(channel)
        self._booted = False  # before the first answer the VM may say that it cannot boot

    def send(self, payload: bytes, deadline: float) -> None:
        """Send one frame.

        Raises:
            CallTimeoutError: the VM does not read.
            NodeDiedError: the VM is gone.
        """
        try:
            self.channel.write(framing.frame(payload), deadline)
        except TimeoutError as error:
            self.usable = False
            raise CallTimeoutError(f"the VM did not read in time: {error}") from error
        except OSError as error:
            raise self._died("before it read the call") from error

    def call(
        self,
        module: str,
        function: str,
        args: Sequence[Term],
        timeout_s: float,
        context: Context = Context.TERM,
    ) -> Term:
        """Call a function and return its value.

        Raises:
            CallTimeoutError: no answer in time.
            NodeDiedError: the VM ended.
            ProtocolError: what came is no answer to this call, or came before it was made.
            RemoteError: the function raised this.
        """
        deadline = time.monotonic() + timeout_s
        if self._booted and self.unasked():
            raise ProtocolError("the VM had sent something that nobody asked for")
        call_id = messages.new_id()
        self.send(messages.call(call_id, module, function, args, context), deadline)
        try:
            return self._await(call_id, deadline)
        except TimeoutError as error:
            self.usable = False
            raise CallTimeoutError(f"no answer within {timeout_s:g} s ({error})") from error
        except framing.StreamEndedError as error:
            raise self._died(str(error)) from error
        except ProtocolError:
            self.usable = False
            raise

    def halt(self, timeout_s: float) -> None:
        """Ask the VM to end, and wait for it.

        Raises:
            NodeError, OSError: it is gone already, or does not read.
        """
        deadline = time.monotonic() + timeout_s
        halt = messages.call(messages.new_id(), "erlang", "halt", [0], Context.TERM)
        self.send(halt, deadline)
        self.usable = False
        self.channel.wait(deadline)

    def unasked(self) -> bool:
        """Tell whether something lies there unread; whoever sent it is not to be called again."""
        if self._frames.waiting():
            self.usable = False
            return True
        return False

    def _await(self, call_id: int, deadline: float) -> Term:
        payload = self._frames.read(deadline)
        if not self._booted and (fault := messages.of_no_call(payload)) is not None:
            raise _not_booted(fault)
        answer = messages.parse(payload, call_id)
        self._booted = True
        if isinstance(answer, Fault):
            raise _remote(answer)
        return answer.value

    def _died(self, when: str) -> NodeDiedError:
        self.usable = False
        status = self.channel.wait(time.monotonic() + _DEATH_S)
        return NodeDiedError(f"the VM ended ({describe(status)}; {when})")


def describe(status: int | None) -> str:
    """Return an exit status in words."""
    if status is None:
        return "its pipe is closed, it lives on"
    if status < 0:
        try:
            return f"killed by {signal.Signals(-status).name}"
        except ValueError:
            return f"killed by signal {-status}"
    return f"exit status {status}"


def _not_booted(fault: Fault) -> RemoteError | NoCompilerError:
    match fault.reason:
        case (Atom("no_compiler"), list(version), list(release)):
            return NoCompilerError(_text(version), int(_text(release)))
    return _remote(fault)


def _remote(fault: Fault) -> RemoteError:
    stack = fault.stacktrace if isinstance(fault.stacktrace, list) else []
    return RemoteError(
        fault.error_class, _shown(fault.reason), tuple(_shown(item) for item in stack[:_STACK])
    )


def _shown(term: Term) -> str:
    """Print a term; Python refuses to print very large integers."""
    try:
        return repr(term)[:_SHOWN_CHARS]
    except ValueError:
        return "a term with a very large integer"


def _text(characters: Sequence[Term]) -> str:
    """Return an Erlang string's text."""
    return "".join(chr(one) for one in characters if isinstance(one, int))

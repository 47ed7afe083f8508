"""One VM from its start to its end: booted with the bridge, called, ended.

Knows: the bridge's own functions and what a VM printed. Must not know: probes, their stores,
retries, predictions.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping

import msgspec

from harness.bridge.boot import first_frame
from harness.bridge.calls import Session
from harness.bridge.channel import Channel
from harness.bridge.messages import Context
from harness.bridge.terms import Term
from harness.collect.probes import BRIDGE
from harness.errors import (
    CallTimeoutError,
    NoCompilerError,
    NodeDiedError,
    NodeError,
    ProtocolError,
    RemoteError,
)
from harness.run.model import Build
from harness.system.visible import visible

_CLOSE_TIMEOUT_S = 1.0


class StartedVm:
    """Be one VM that a launcher has started.

    One thread calls at a time; `kill` may come from any.

    Args:
        name: of the node, for messages.
        channel: the VM's pipe.
    """

    def __init__(self, name: str, channel: Channel) -> None:
        self.name = name
        self._session = Session(channel)
        self._channel = channel
        self._ended = False
        self._log = b""

    @property
    def alive(self) -> bool:
        """Tell whether the VM may be called."""
        return self._session.usable

    def boot(self, beams: Mapping[str, bytes], source: bytes, deadline: float) -> Build:
        """Send the bridge, and ask the VM who it is.

        Raises:
            NoCompilerError: it would have to compile the bridge, and cannot.
            NodeError: it ended, or answers nothing that a VM of ours would.
        """
        try:
            self._session.send(first_frame(BRIDGE, beams, source), deadline)
            found = self.call(BRIDGE, "identity", [], deadline - time.monotonic())
            return msgspec.convert(found, Build)
        except msgspec.ValidationError as error:
            self.end()
            raise ProtocolError(f"{self.name} is no VM of ours: {error}") from error
        except BaseException:
            self.end()
            raise

    def own_beam(self, deadline: float) -> bytes:
        """Return the bridge's code as the VM compiled it.

        Raises:
            NodeError: as for `call`.
        """
        beam = self.call(BRIDGE, "own_beam", [], deadline - time.monotonic())
        if not isinstance(beam, bytes):
            self.end()
            raise ProtocolError("the bridge does not know its own code")
        return beam

    def call(
        self,
        module: str,
        function: str,
        args: list[Term],
        timeout_s: float,
        context: Context = Context.TERM,
    ) -> Term:
        """Call a function and return its value as the VM sent it.

        Raises:
            CallTimeoutError, NodeDiedError, ProtocolError: the VM has been ended.
            RemoteError: the function raised this; the VM goes on.
            NoCompilerError: the VM has not booted.
        """
        if not self._session.usable:
            raise NodeDiedError(f"{self.name} is closed")
        try:
            return self._session.call(module, function, args, timeout_s, context)
        except (CallTimeoutError, NodeDiedError, ProtocolError) as error:
            self.end()
            raise type(error)(f"{self.name}: {error.message}") from error
        except (RemoteError, NoCompilerError):
            raise
        except BaseException:  # an interruption: whatever the VM answers now answers nobody
            self.kill()
            raise

    def fit(self) -> bool:
        """Tell whether the VM may be called, and end one that said something unasked."""
        if self._session.usable and self._session.unasked():
            self.end()
            self._log += b"beamproof: the VM sent something that nobody asked for\n"
        return self._session.usable

    def take_log(self) -> str:
        """Return what the VM has printed since the last call, also after its death."""
        self._note_log()
        found, self._log = self._log, b""
        return visible(found.decode(errors="replace"))

    def end(self) -> None:
        """Keep what it printed, then kill it."""
        self._note_log()
        self.kill()

    def close(self, *, keep: bool) -> None:
        """Have the VM halt in good order, kill it after a second; repeatable, never raises."""
        if self._ended:
            return
        if not keep and self._session.usable:
            with contextlib.suppress(NodeError, OSError):
                self._session.halt(_CLOSE_TIMEOUT_S)
        self.kill(keep=keep)

    def kill(self, *, keep: bool = False) -> None:
        """End the VM at once, and whatever it started; from any thread, never raises."""
        self._ended = True
        self._session.usable = False
        self._channel.keep = keep
        self._channel.kill()

    def _note_log(self) -> None:
        with contextlib.suppress(OSError):
            self._log += self._channel.log()

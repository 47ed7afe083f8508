"""What one call gave.

Knows: plain values. Must not know: the wire, predictions.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.run.cells import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Hold what one call gave.

    `leftovers` names what a probe left in the VM, `log` what arrived on stderr during the call.

    Units: microseconds; `probe_us` is what the VM spent in the probe, None for a plain call.
    """

    value: Json
    elapsed_us: int
    probe_us: int | None = None
    log: str = ""
    leftovers: tuple[str, ...] = ()

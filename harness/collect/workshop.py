"""What the lanes of one run share.

Knows: stores and names. Must not know: claims, lanes.
"""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from harness.collect.applications import Applications
from harness.collect.native import NativeStore
from harness.collect.others import Others
from harness.collect.probes import ProbeStore


@dataclass(slots=True)
class Workshop:
    """Hold what the lanes of one run share: probes, libraries, what VMs have, which there are."""

    run: str
    probes: ProbeStore
    native: NativeStore
    applications: Applications
    others: Others = field(default_factory=Others)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def node_name(self, runtime: str) -> str:
        """Return a name that no other node of any run on this machine has."""
        return f"beamproof-{self.run}-{runtime}-{next(self._numbers)}"


def workshop_for(run: str, probes_dir: Path, cache_dir: Path) -> Workshop:
    """Return what the lanes of one run share."""
    probes = ProbeStore(probes_dir, cache_dir / "probes")
    return Workshop(
        run=run,
        probes=probes,
        applications=Applications(probes),
        native=NativeStore(probes=probes, cache=cache_dir / "native"),
    )


def new_run_id() -> str:
    """Return a name that sorts by time and that no other run has."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"

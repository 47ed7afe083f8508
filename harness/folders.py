"""Where claims, probes and the cache lie when nobody says otherwise.

Knows: folders and the variables that name them. Must not know: what lies in them.
"""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def default_claims_dir() -> Path:
    """Return BEAMPROOF_CLAIMS, else the claims of the checkout, else those that were installed."""
    return _named("BEAMPROOF_CLAIMS") or _own("claims")


def default_probes_dir() -> Path:
    """Return BEAMPROOF_PROBES, else `own_probes_dir`."""
    return _named("BEAMPROOF_PROBES") or own_probes_dir()


def own_probes_dir() -> Path:
    """Return beamproof's own probes, with the modules that every probe may use."""
    return _own("erlang_probes")


def cache_dir() -> Path:
    """Return BEAMPROOF_CACHE, else the user's cache folder of beamproof."""
    if (named := _named("BEAMPROOF_CACHE")) is not None:
        return named
    from platformdirs import user_cache_path  # noqa: PLC0415  slow, and often not needed

    return user_cache_path("beamproof")


def _named(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value) if value else None


def _own(folder: str) -> Path:
    checkout = _PACKAGE.parent / folder
    return checkout if checkout.is_dir() else _PACKAGE / "_bundled" / folder


RUNS = Path(".beamproof/runs")
"""Where runs are stored unless told otherwise, below the working directory."""


def default_runs_dir() -> Path:
    """Return BEAMPROOF_RUNS, else `RUNS`."""
    return Path(os.environ.get("BEAMPROOF_RUNS") or RUNS)

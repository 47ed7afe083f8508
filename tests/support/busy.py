"""How long something may take on a machine that others use as well."""

from __future__ import annotations

import os


def in_time(promised_s: float) -> float:
    """Return a promised time as it is on an idle machine, longer the more wait for each core.

    Of N who want a core each gets an N-th of it, so all that a program does takes N times as long.
    """
    waiting = os.getloadavg()[0] / (os.cpu_count() or 1)
    return promised_s * max(1.0, waiting)

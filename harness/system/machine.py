"""Which machine this is, as one text that tells nothing else.

Knows: where Linux names a boot. Must not know: what is done with it.
"""

from __future__ import annotations

import hashlib
import platform
import uuid
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_CHARS = 16


def machine_id() -> str:
    """Return a hash of the machine's name and of its boot; a reboot makes it another.

    Machines that were cloned have all else in common. Source: random(4), `boot_id`.
    """
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError):
        boot = str(uuid.getnode())
    return hashlib.sha256(f"{boot} {platform.node()}".encode()).hexdigest()[:_CHARS]

"""Where the probes' sources lie when nobody says otherwise.

Knows: the package's folders. Must not know: what the sources say.
"""

from __future__ import annotations

from pathlib import Path


def default_probes_dir() -> Path:
    """Return the sources that came with the package, or those beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    bundled = package / "_bundled" / "erlang_probes"
    return bundled if bundled.is_dir() else package.parent / "erlang_probes"

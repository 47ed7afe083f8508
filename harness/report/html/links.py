"""Where the files of a project are read by others: an address from its configuration.

Knows: a project's root and address. Must not know: what is linked. Nothing is guessed: without an
address there is no link.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Hold the address of a project's files.

    `repository` is what stands before a file's path, e.g. `https://host/team/app/blob/main`.
    """

    repository: str | None = None
    root: Path | None = None

    def to(self, path: Path, line: int) -> str | None:
        """Return the address of a line of a file, None of one outside of the project."""
        if self.repository is None or self.root is None:
            return None
        try:
            within = path.resolve().relative_to(self.root.resolve())
        except ValueError:
            return None
        return f"{self.repository.rstrip('/')}/{quote(str(within))}#L{line}"

"""Small real things that the tests of runtimes use: an `erl` that answers, an engine that does."""

from __future__ import annotations

import json
import socketserver
import threading
from pathlib import Path
from typing import Any
from urllib.parse import unquote

FAKE_ERL = """#!/bin/sh
echo started >> "{log}"
printf '\\nbeamproof:{release}:{version}\\n:\\n' >&2
"""


class Installs:
    """Make folders with a `bin/erl` that answers like a VM, and count how often each started."""

    def __init__(self, base: Path) -> None:
        self._base = base

    def make(self, name: str, release: int, version: str | None = None) -> Path:
        """Make an install and return its folder."""
        root = self._base / name
        (root / "bin").mkdir(parents=True)
        erl = root / "bin" / "erl"
        script = FAKE_ERL.format(
            log=root / "starts", release=release, version=version or f"{release}.1"
        )
        erl.write_text(script)
        erl.chmod(0o755)
        return root

    def starts(self, root: Path) -> int:
        """Return how often the `erl` of an install was started."""
        log = root / "starts"
        return len(log.read_text().splitlines()) if log.exists() else 0


class FakeEngine:
    """Answer the few questions of the engine's API that are asked before a container is made.

    Args:
        path: where to listen.
        images: what the engine has, by reference.
    """

    def __init__(self, path: Path, images: dict[str, dict[str, Any]]) -> None:
        self.images = images
        self.asked: list[str] = []
        self._server = _Server(str(path), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _listed(self) -> list[dict[str, Any]]:
        return [
            {"RepoTags": [name], "Labels": (one.get("Config") or {}).get("Labels")}
            for name, one in self.images.items()
        ]

    def answer(self, path: str) -> tuple[int, bytes]:
        """Return status and body for a path of the API."""
        self.asked.append(path)
        if path == "/_ping":
            return 200, b"OK"
        if path == "/images/json":
            return 200, json.dumps(self._listed()).encode()
        if path.startswith("/images/") and path.endswith("/json"):
            found = self.images.get(unquote(path.removeprefix("/images/").removesuffix("/json")))
            if found is not None:
                return 200, json.dumps(found).encode()
        return 404, b'{"message":"no such thing"}'


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str, engine: FakeEngine) -> None:
        self.engine = engine
        super().__init__(path, _Handler)


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        path = self.rfile.readline().split()[1].decode()
        while self.rfile.readline().strip():
            pass
        status, body = self.server.engine.answer(path)
        self.wfile.write(b"HTTP/1.0 %d X\r\n\r\n" % status + body)

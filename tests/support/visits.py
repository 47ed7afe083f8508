"""A page in a browser, with everything that goes wrong on it."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import BrowserContext, Page

PATIENCE_MS = 60_000


class Visit:
    """Hold an open page with everything that went wrong on it."""

    def __init__(self, context: BrowserContext, site: Path) -> None:
        self.page: Page = context.pages[0] if context.pages else context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.site = site
        self.problems: list[str] = []
        self.page.on("console", lambda said: self.problems.append(f"console: {said.text}"))
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("request", lambda asked: self._asked(asked.url))
        self.page.on("requestfailed", lambda asked: self.problems.append(f"failed: {asked.url}"))

    def _asked(self, url: str) -> None:
        if not url.startswith(self.site.as_uri()):
            self.problems.append(f"outside: {url}")

    def open(self, name: str) -> Page:
        """Open a page of the site."""
        self.page.goto(f"{self.site.as_uri()}/{name}")
        return self.page

"""A headless Chromium and the site of two nights, for every test that looks at pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Playwright, sync_playwright
from support import synthetic_runs
from support.synthetic_runs import SIXTY, Shape
from support.visits import PATIENCE_MS, Visit

from harness.cli.main import run
from tests.conftest import Missing

FLAGS = [
    "--no-sandbox",  # the tests may run as root, where Chromium has no sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))  # one Chromium serves all


@pytest.fixture(scope="session", autouse=True)
def _chromium_is_here(missing: Missing) -> None:
    if _chromium() is None:
        missing("browser", "no chromium: apt-get install chromium")


def _chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a site made by the command line from two nights."""
    folder = tmp_path_factory.mktemp("site")
    shape = Shape(releases=(24, 25, 26, 27), claims=12)
    files = synthetic_runs.write(folder, shape)
    second = replace(
        shape,
        seed=8,
        run="20261121T030000-bbbb",
        started="2026-11-21T03:00:00.000+00:00",
        refuted=frozenset({2}),
    )
    newer = folder / "next.jsonl"
    newer.write_bytes(synthetic_runs.content(second, files))
    options = ["--claims", str(files.claims), "--probes", str(files.probes)]
    assert run(["report", str(files.run), str(newer), "-o", str(folder / "out"), *options]) == 0
    return folder / "out"


@pytest.fixture(scope="session")
def sixty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a site of sixty patch releases."""
    folder = tmp_path_factory.mktemp("sixty")
    shape = Shape(releases=SIXTY, claims=6, skills=1, moved=frozenset({4}), moved_from="27.2")
    files = synthetic_runs.write(folder, shape)
    options = ["--claims", str(files.claims), "--probes", str(files.probes)]
    assert run(["report", str(files.run), "-o", str(folder / "out"), *options]) == 0
    return folder / "out"


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Yield the driver of the browser."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def contexts(
    playwright: Playwright,  # noqa: ARG001 (it must outlive what it drives)
) -> Iterator[dict[tuple[str, int], BrowserContext]]:
    """Yield the browsers opened so far, by colour scheme and width; all end with the session."""
    opened: dict[tuple[str, int], BrowserContext] = {}
    yield opened
    for context in opened.values():
        context.close()


@pytest.fixture
def visit(
    request: pytest.FixtureRequest,
    playwright: Playwright,
    contexts: dict[tuple[str, int], BrowserContext],
    site: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Visit:
    """Return a page in the scheme and width that the test is parametrised with."""
    scheme, width = getattr(request, "param", ("light", 1280))
    if (scheme, width) not in contexts:
        contexts[scheme, width] = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=_chromium() or "chromium",
            headless=True,
            args=FLAGS,
            color_scheme=scheme,
            viewport={"width": width, "height": 900},
            timeout=PATIENCE_MS,
        )
    return Visit(contexts[scheme, width], site)

"""The pytest plugin: `pytest claims/ --beamproof-otp 25,27` collects each cell as one test item.

Knows: pytest, the session, the judge. Must not know: how a node works or a prediction is decided.
Refuted is a failure, inconclusive an error, a cell that is left out a skip with its reason.

It is loaded in every pytest session of an environment, so it is a guest there: its options carry
its name, and no file is read further than needed to see that it is no claim file.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import BeamproofError
from harness.pytest_plugin.cells import all_cells, request_of
from harness.pytest_plugin.items import CellItem, ClaimFile, Explained
from harness.pytest_plugin.kept import join_parts
from harness.run.cells import Need
from harness.runtimes.request import CHOICES

_SHORT_OPTIONS = "beamproof_short_options"
_HEADER = re.compile(rb"\s*\[")
_SKILL = re.compile(rb"""\s*skill\s*=\s*["'][a-z0-9-]+["']\s*(#.*)?$""")
_OURS = re.compile(rb"\s*\[\[\s*(claim|untestable)\s*\]\]")
_LINE_BYTES = 4096
"""The first table of a claim file stands near its top; a longer line is no line of ours."""

_MARKERS = {
    "timing": "runs while no other cell of the session runs",
    **{need.value: f"the claim needs: {need.value}" for need in Need},
}


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the options that say which releases are wanted and where the probes lie."""
    parser.addini(
        _SHORT_OPTIONS,
        "also take --otp, --runtime, --image, --images, --otp-root, --probes and --strict-otp",
        type="bool",
    )
    config = pluginmanager.getplugin("pytestconfig")
    short = config is not None and bool(config.getini(_SHORT_OPTIONS))
    group = parser.getgroup("beamproof", "claims about the Erlang VM")

    def add(name: str, **given: Any) -> None:
        names = [f"--beamproof-{name}", *([f"--{name}"] if short else [])]
        group.addoption(*names, dest=f"beamproof_{name.replace('-', '_')}", **given)

    add(
        "otp",
        action="append",
        metavar="RELEASES",
        help="25,27, 24-27, 27.1.2 or 27.* (default: 24-27)",
    )
    add("runtime", choices=CHOICES, default="auto", help="where the VMs come from")
    add("image", action="append", default=[], metavar="REF", help="has sh and erl in it")
    add("images", type=Path, metavar="FILE", help="a list of images: VERSION IMAGE a line")
    add("otp-root", action="append", default=[], type=Path, metavar="DIR", help="has bin/erl in it")
    add("probes", type=Path, metavar="DIR", help="folder of the probe modules")
    add("strict-otp", action="store_true", help="a missing release is an error")
    add("runs", type=Path, metavar="DIR", help="keep what the session observes as a run in DIR")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers that claims carry, and refuse what is no release."""
    try:
        request_of(config.option).wanted  # noqa: B018 - asked for its error
    except BeamproofError as error:
        raise pytest.UsageError(str(error)) from error
    for name, meaning in _MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect claim files: TOML that names its skill and then opens with a claim."""
    if file_path.suffix != ".toml" or not is_claim_file(file_path):
        return None
    collector: ClaimFile = ClaimFile.from_parent(parent, path=file_path)
    return collector


def is_claim_file(path: Path) -> bool:
    """Tell whether a file is one of ours, reading no further than its first table.

    Whatever else lies in a project's folders (other encodings, unreadable files, `skill` with
    another meaning) is not ours and never an error.
    """
    named = False
    try:
        with path.open("rb") as stream:
            for line in iter(lambda: stream.readline(_LINE_BYTES), b""):
                if _HEADER.match(line):
                    return named and _OURS.match(line) is not None
                named = named or _SKILL.match(line) is not None
    except OSError:
        return False
    return False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say of a cell in its setup what `repr_failure` says: pytest asks that of calls alone."""
    report = yield
    if isinstance(item, CellItem) and call.excinfo is not None:
        text = item.repr_failure(call.excinfo)
        if isinstance(text, str):
            report.longrepr = Explained(text, *item.reportinfo()[:2])
    return report


def pytest_collection_finish(session: pytest.Session) -> None:
    """Put the cells that are left together by the calls that they make."""
    items = [item for item in session.items if isinstance(item, CellItem)]
    for cells in all_cells(session.config):
        cells.select([item.cell for item in items if item.cells is cells and item.cell])


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the nodes of the session; join what its processes kept."""
    for cells in all_cells(config):
        cells.close()
    join_parts(config)

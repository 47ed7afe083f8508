"""A VM that judges as an escript does, for the tests that hold it against ours."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from harness.folders import own_probes_dir
from tests.live.conftest import RELEASES

Ask = Callable[[str], Any]


@pytest.fixture(scope="session", params=RELEASES, ids=lambda release: f"otp{release}")
def ask(
    request: pytest.FixtureRequest, erls: dict[int, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ask]:
    """Return what asks the judge of an escript on each release: a term, answered in JSON."""
    folder = tmp_path_factory.mktemp("judge")
    erl = erls[request.param]
    template = files("harness.report.repro") / "template"
    sources = [Path(__file__).parent / "judging.erl", own_probes_dir() / "probe_evidence.erl"]
    sources += [
        Path(str(template / f"repro_{name}.erl"))
        for name in ("judge", "predicates", "versions", "json")
    ]
    compiled = [erl.parent / "erlc", "-Wall", "-Werror", "-o", folder, *sources]
    subprocess.run(compiled, check=True, timeout=120)
    vm = subprocess.Popen(
        [erl, "-noshell", "-pa", folder, "-s", "judging", "main"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert vm.stdin is not None
    assert vm.stdout is not None
    stdin, stdout = vm.stdin, vm.stdout

    def asked(term: str) -> Any:
        stdin.write(" ".join(term.splitlines()) + ".\n")
        stdin.flush()
        return json.loads(stdout.readline())

    yield asked
    vm.kill()
    vm.communicate(timeout=20)

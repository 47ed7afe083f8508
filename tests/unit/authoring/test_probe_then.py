"""Evidence and source belong together: what is shown is the source that ran."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
from support.judging import observation, sample

from harness.authoring.probe_source import ProbeModule, parse_module
from harness.authoring.probe_then import changed_files, changed_note, probe_then
from harness.collect.probes import ProbeStore
from harness.run.model import Header, Run, Source

THEN = b"-module(acme).\n-export([border/1]).\nborder(_) -> helper:find(300).\n"
NOW = THEN.replace(b"300", b"200")
HELPER = b"-module(helper).\n-export([find/1]).\nfind(X) -> #{x_count => X}.\n"
SEEN = msgspec.structs.replace(
    observation(sample({"x_count": 1})), probe="acme:border", probe_sha256="of-then"
)


def run_with(*sources: Source) -> Run:
    header = Header(
        run="r", beamproof="0", started="x", command=(), cells=(), claims_sha256={},
        probes_sha256={}, runtimes=(),
    )  # fmt: skip
    return Run(path=Path("r.jsonl"), header=header, observations=(SEEN,), sources=sources)


def kept(text: bytes) -> Source:
    return Source(
        name="acme.erl",
        sha256=hashlib.sha256(text).hexdigest(),
        text=Source.pack(text),
        probe_sha256="of-then",
        uses={"helper.erl": hashlib.sha256(HELPER).hexdigest()},
    )


def today(acme: bytes, helper: bytes = HELPER) -> dict[str, ProbeModule]:
    texts = {"acme": acme, "helper": helper}
    return {name: parse_module(Path(f"{name}.erl"), text) for name, text in texts.items()}


def test_the_source_that_ran_is_shown_and_the_change_is_told() -> None:
    """Not today's source beside yesterday's evidence."""
    found = probe_then(run_with(kept(THEN)), SEEN, "acme:border", today(NOW))
    assert found.probe is not None
    assert "300" in found.probe.source
    assert found.note == "This is the source that ran; today's differs in acme.erl."


def test_a_changed_helper_is_a_change_too() -> None:
    """The probe is all that it uses."""
    changed = today(THEN, HELPER.replace(b"X}", b"X + 1}"))
    found = probe_then(run_with(kept(THEN)), SEEN, "acme:border", changed)
    assert found.changed == ("helper.erl",)


def test_where_nothing_changed_nothing_is_said() -> None:
    """Neither of a run that keeps its sources, nor of a claim that never ran."""
    assert probe_then(run_with(kept(THEN)), SEEN, "acme:border", today(THEN)).note == ""
    assert probe_then(None, None, "acme:border", today(NOW)).note == ""


def test_a_run_without_sources_shows_todays_and_says_so() -> None:
    """Runs of older formats hold hashes only."""
    found = probe_then(run_with(), SEEN, "acme:border", today(NOW))
    assert found.probe is not None
    assert found.note == "The run does not hold its sources: this is today's."


def test_a_store_gives_a_module_with_all_that_it_uses(tmp_path: Path) -> None:
    """Once each, and the probes' own module under the hash that observations name."""
    (tmp_path / "acme.erl").write_bytes(THEN)
    (tmp_path / "helper.erl").write_bytes(HELPER)
    store = ProbeStore(tmp_path, None)
    own, helper = store.kept("acme")
    assert (own.name, own.unpack(), own.probe_sha256) == (
        "acme.erl",
        THEN,
        store.source_sha256("acme"),
    )
    assert (helper.name, helper.unpack(), helper.probe_sha256) == ("helper.erl", HELPER, None)
    assert own.uses == {"helper.erl": helper.sha256}


def test_files_that_are_others_today_are_named(tmp_path: Path) -> None:
    """Of the claims that are asked for; a file that is gone says nothing."""
    run = run_with(kept(THEN))
    claims = {cell.name for cell in run.by_cell}
    (tmp_path / "acme.erl").write_bytes(THEN)
    assert changed_files(run, claims, tmp_path) == ()
    (tmp_path / "acme.erl").write_bytes(NOW)
    (tmp_path / "helper.erl").write_bytes(HELPER + b"%")
    assert changed_files(run, claims, tmp_path) == ("acme.erl", "helper.erl")
    assert changed_files(run, {"beam-other/claim"}, tmp_path) == ()
    assert changed_files(run_with(), claims, tmp_path) == ()


def test_a_change_is_told_in_words() -> None:
    """Of one file, of several."""
    assert changed_note(["a.erl"]).startswith("! a.erl is another one today")
    assert changed_note(["a.erl", "b.erl"]).startswith("! a.erl, b.erl are others today")

"""The verbs about claims: what they print, and the message and exit code of every bad input."""

import io
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from harness.authoring.layout import is_laid_out
from harness.cli.main import run
from harness.errors import ExitCode
from harness.folders import cache_dir, default_claims_dir, default_probes_dir
from harness.report import to_json
from harness.run.lines import encode
from harness.run.model import Footer, Header, Observation
from harness.run.stored import latest_run, note_latest, run_path

EVIDENCE = Path(__file__).parents[2] / "evidence"
SKILL = "beam-memory-management"
RUN = EVIDENCE / f"{SKILL}.jsonl"
CLAIMS = ("--claims", str(EVIDENCE / "claims"))
RUNS = ("--runs", str(EVIDENCE))


class Terminal:
    """Run command lines and keep what they print."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        code = run(list(arguments))
        self.out, self.err = self._capsys.readouterr()
        return code

    def json(self, *arguments: str) -> Any:
        self(*arguments, "--json")
        return json.loads(self.out)


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


def altered_run(folder: Path, old: str, new: str, *, lines: int | None = None) -> Path:
    kept = RUN.read_text(encoding="utf-8").splitlines()[:lines]
    assert lines is not None or any(old in line for line in kept)
    path = folder / "altered.jsonl"
    path.write_bytes(b"".join(altered_line(line, old, new) for line in kept))
    return path


def altered_line(line: str, old: str, new: str) -> bytes:
    """Return a line that says something else, with the checksum of what it says now."""
    said = {key: value for key, value in json.loads(line).items() if key != "sum"}
    text = json.dumps(said, separators=(",", ":")).replace(old, new)
    return encode(msgspec.json.decode(text, type=Header | Observation | Footer))


def test_list_prints_every_claim(terminal: Terminal) -> None:
    """One line a claim, as data with --json."""
    assert terminal("list", *CLAIMS) == ExitCode.CONFIRMED
    assert f"{SKILL}: " in terminal.out
    assert "\n  refc-threshold: A binary of up to 64 bytes " in terminal.out
    listed = terminal.json("list", SKILL, *CLAIMS)
    assert listed[0]["claim"] == f"{SKILL}/refc-threshold"
    assert listed[0]["predictions"]["ways.copy.largest_heap_binary_bytes"] == {"equals": 64}


def test_show_prints_everything_about_a_claim(terminal: Terminal) -> None:
    """Statement, quote, predictions, rivals, probe source, last evidence."""
    code = terminal("show", "refc-threshold", *CLAIMS, *RUNS)
    assert code == ExitCode.CONFIRMED
    for words in (
        f"{SKILL}/refc-threshold  (",
        'narrows the words: "They say "all binaries are reference-counted"',
        "source: https://www.erlang.org/",
        "ways.copy.largest_heap_binary_bytes: 64",
        "rival: All binaries are reference-counted.",
        "probe: beam_memory_management:refc_threshold(#{})",
        "-spec refc_threshold(",
        f"{SKILL}/refc-threshold@otp25: confirmed",
        "✔ ways.copy.largest_heap_binary_bytes: 64  (predicted 64)",
        "✔ contradicted by ways.copy.smallest_refc_binary_bytes: 65: All binaries are",
        'evidence: {"ways": {',
    ):
        assert words in terminal.out
    shown = terminal.json("show", f"{SKILL}/refc-threshold@otp27", *CLAIMS, *RUNS)
    evidence = shown["findings"][0]["samples"][0]["evidence"]
    assert evidence["ways"]["copy"]["largest_heap_binary_bytes"] == 64


def test_show_without_a_run_or_a_probe_says_so(terminal: Terminal, tmp_path: Path) -> None:
    """A claim can be read before anything was proven."""
    nowhere = ("--runs", str(tmp_path), "--probes", str(tmp_path))
    assert terminal("show", "refc-threshold", *CLAIMS, *nowhere) == ExitCode.CONFIRMED
    assert f"there is no {tmp_path}/beam_memory_management.erl" in terminal.out
    assert "no evidence yet: beamproof verify" in terminal.out


def test_judge_judges_a_stored_run(terminal: Terminal) -> None:
    """The table, and the findings as data."""
    assert terminal("judge", *CLAIMS, *RUNS) == ExitCode.CONFIRMED
    assert "beam-memory-management   60 ✔     60 ✔" in terminal.out
    assert "refc-threshold" not in terminal.out
    assert terminal("judge", "--verbose", *CLAIMS, *RUNS) == ExitCode.CONFIRMED
    assert "refc-threshold" in terminal.out
    assert terminal("judge", "--quiet", *CLAIMS, *RUNS) == ExitCode.CONFIRMED
    assert terminal.out.splitlines()[0] == "120 confirmed in 18 s"
    assert terminal("judge", "-q", "-v", *CLAIMS, *RUNS) == ExitCode.BAD_INPUT
    assert terminal("judge", "--durations", "2", *CLAIMS, *RUNS) == ExitCode.CONFIRMED
    assert "slowest 2 calls of " in terminal.out
    judged = terminal.json("judge", str(RUN), *CLAIMS)
    assert {one["verdict"] for one in judged["findings"]} == {"confirmed"}
    assert judged["unknown"] == []
    assert terminal("judge", SKILL, *CLAIMS, *RUNS) == ExitCode.CONFIRMED


def test_findings_are_those_of_the_published_schema(terminal: Terminal) -> None:
    """One JSON of a finding, whichever verb prints it."""
    schema = json.loads(to_json.render_schema("report"))
    findings = {"$schema": schema["$schema"], "$defs": schema["$defs"]}
    findings["$ref"] = "#/$defs/FindingReport"
    printed = terminal.json("judge", str(RUN), *CLAIMS)["findings"]
    printed += terminal.json("show", "refc-threshold", *CLAIMS, *RUNS)["findings"]
    assert len(printed) == 2 * (len(terminal.json("list", SKILL, *CLAIMS)) + 1)
    for finding in printed:
        Draft202012Validator(findings).validate(finding)
    assert printed[0]["checks"][0]["prediction"] == {"equals": 64}


def test_judge_exits_with_the_worst_verdict(terminal: Terminal, tmp_path: Path) -> None:
    """Refuted is 1, inconclusive 2, and half a run is called so."""
    key = '"largest_heap_binary_bytes":'
    refuted = altered_run(tmp_path, f"{key}64", f"{key}65")
    assert terminal("judge", str(refuted), *CLAIMS) == ExitCode.REFUTED
    renamed = altered_run(tmp_path, key, '"renamed_bytes":')
    assert terminal("judge", str(renamed), *CLAIMS) == ExitCode.INCONCLUSIVE
    half = altered_run(tmp_path, key, key, lines=20)
    assert terminal("judge", str(half), *CLAIMS) == ExitCode.INCONCLUSIVE
    assert "is half a run" in terminal.err
    renamed = altered_run(tmp_path, "/refc-threshold@", "/gone@")
    assert terminal("judge", str(renamed), *CLAIMS) == ExitCode.CONFIRMED
    assert f"{SKILL}/gone@otp25 was not judged: there is no such claim" in terminal.err


def test_mutate_counts_what_was_refuted(terminal: Terminal) -> None:
    """All of it, on the recorded run."""
    assert terminal("mutate", SKILL, *CLAIMS, *RUNS) == ExitCode.CONFIRMED
    assert "0 survived; 0 claims not tested" in terminal.out
    report = terminal.json("mutate", "--run", str(RUN), *CLAIMS)
    assert report[SKILL]["survivors"] == []
    assert report[SKILL]["tried"] > 500


def test_mutate_names_what_it_could_not_test(terminal: Terminal, tmp_path: Path) -> None:
    """A refuted claim proves nothing about its predictions."""
    key = '"largest_heap_binary_bytes":'
    refuted = altered_run(tmp_path, f"{key}64", f"{key}65")
    assert terminal("mutate", SKILL, "--run", str(refuted), *CLAIMS) == ExitCode.INCONCLUSIVE
    assert f"? {SKILL}/refc-threshold was not tested: {SKILL}/refc-threshold@otp" in terminal.out
    empty = altered_run(tmp_path, key, key, lines=1)
    assert terminal("mutate", SKILL, "--run", str(empty), *CLAIMS) == ExitCode.NOTHING_SELECTED
    assert "has no confirmed cell" in terminal.err


@pytest.fixture
def sandbox(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "claims").mkdir()
    (tmp_path / "probes").mkdir()
    return ("--claims", str(tmp_path / "claims"), "--probes", str(tmp_path / "probes"))


def test_new_begins_a_claim_that_only_lacks_its_words(
    terminal: Terminal, sandbox: tuple[str, ...], tmp_path: Path
) -> None:
    """What it writes loads, fits together, and lint names nothing but what is to be filled in."""
    for name in ("beam-new/first-law", "beam-new/second-law"):
        assert terminal("new", name, *sandbox) == ExitCode.CONFIRMED
    source = (tmp_path / "probes" / "beam_new.erl").read_text(encoding="utf-8")
    assert "-export([first_law/1, second_law/1])." in source
    assert terminal("lint", *sandbox) == ExitCode.BAD_INPUT
    problems = [line for line in terminal.out.splitlines() if ": error: " in line]
    assert len(problems) == 5
    assert all("TODO" in problem for problem in problems)
    for path in (*tmp_path.rglob("*.toml"), *tmp_path.rglob("*.erl")):
        path.write_text(path.read_text(encoding="utf-8").replace("TODO", "Done"), encoding="utf-8")
    assert terminal("lint", *sandbox) == ExitCode.CONFIRMED
    assert terminal.out.endswith("1 skills, 2 claims: 0 errors, 1 warnings\n")
    assert "2 claims without a variant" in terminal.out


def test_new_adds_to_an_export_list_of_several_lines(
    terminal: Terminal, sandbox: tuple[str, ...], tmp_path: Path
) -> None:
    """The layout of the list is kept."""
    path = tmp_path / "probes" / "beam_new.erl"
    path.write_text("-module(beam_new).\n\n-export([\n    a/1,\n    b/1\n]).\n", encoding="utf-8")
    assert terminal("new", "beam-new/c", *sandbox) == ExitCode.CONFIRMED
    assert "-export([\n    a/1,\n    b/1,\n    c/1\n])." in path.read_text(encoding="utf-8")


def test_new_takes_what_is_known(
    terminal: Terminal, sandbox: tuple[str, ...], tmp_path: Path
) -> None:
    """Options stand in the claim; a probe that is there is called, not written anew."""
    words = ("--statement", 'A word has "8" bytes.', "--source", "https://www.erlang.org/doc/a")
    predicted = ("--expect", "word_bytes=8", "--expect", "kind=plain", "--range", ">=25")
    rival = ("--rival", "It has 4.", "word_bytes={ at_most = 4 }")
    code = terminal("new", "beam-new/word", *words, *predicted, *rival, *sandbox)
    assert code == ExitCode.CONFIRMED
    code = terminal("new", "beam-new/other", "--probe", "word", *predicted, *sandbox)
    assert code == ExitCode.CONFIRMED
    listed = terminal.json("list", "beam-new", *sandbox[:2])
    assert [one["claim"] for one in listed] == ["beam-new/word", "beam-new/other"]
    assert listed[0]["statement"] == 'A word has "8" bytes.'
    assert listed[0]["predictions"] == {
        "word_bytes": {"equals": 8},
        "kind": {"equals": "plain"},
    }
    claims = (tmp_path / "claims" / "beam-new.toml").read_text(encoding="utf-8")
    assert 'probe = "word"\n' in claims
    assert "expect.word_bytes = { at_most = 4 }\n" in claims
    assert claims.count('otp = ">=25"\n') == 2
    assert is_laid_out(tmp_path / "claims" / "beam-new.toml")
    source = (tmp_path / "probes" / "beam_new.erl").read_text(encoding="utf-8")
    assert "-export([word/1])." in source
    assert "error({setup, todo})" in source


def test_new_asks_for_what_nobody_said(
    terminal: Terminal,
    sandbox: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An answer that is none is asked for again; an empty one is left as TODO."""
    answers = "It is so.\n\nno prediction\nfound_count=2\nIt is not.\nfound_count=0\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(answers))
    assert terminal("new", "beam-new/asked", "--ask", *sandbox) == ExitCode.CONFIRMED
    assert '"no prediction" predicts nothing' in terminal.err
    claims = (tmp_path / "claims" / "beam-new.toml").read_text(encoding="utf-8")
    assert 'statement = "It is so."\nsources = ["https://www.erlang.org/doc/TODO"]\n' in claims
    assert 'statement = "It is not."\nexpect.found_count = 0\n' in claims


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--expect", "found"), '"found" predicts nothing'),
        (("--expect", "Found=1"), '"Found=1" predicts nothing'),
        (("--expect", "found_count={ at_lest = 1 }"), '"at_lest" is not a predicate'),
        (("--expect", "a=1", "--expect", "a.b=1"), "the predictions exclude each other: a, a.b"),
        (("--rival", "It is not.", "found"), '"found" predicts nothing'),
        (("--probe", "Not a name"), '"Not a name" is no name of a function'),
        (("--probe", "receive"), "Erlang keeps receive for itself"),
        (("--probe", "module_info"), "Erlang keeps module_info for itself"),
        (("--range", "foo"), '"foo" is not a range of OTP versions'),
        (("--range", "<=26"), 'write "<27"'),
        (("--expect", "a=1", "--expect", "a=2"), "--expect predicts a key twice: a, a"),
        (("--statement", "\udcff"), "what is said of beam-new/odd is not UTF-8"),
        (("--statement", ""), None),
    ],
)
def test_new_refuses_what_no_claim_can_say(
    options: tuple[str, ...],
    said: str | None,
    terminal: Terminal,
    sandbox: tuple[str, ...],
    tmp_path: Path,
) -> None:
    """Nothing is written of it; an empty text is one that nobody said."""
    code = terminal("new", "beam-new/odd", *options, *sandbox)
    if said is None:
        assert code == ExitCode.CONFIRMED
        return
    assert code == ExitCode.BAD_INPUT
    assert said in terminal.err
    assert not (tmp_path / "claims" / "beam-new.toml").exists()


def test_new_refuses_what_exists(
    terminal: Terminal, sandbox: tuple[str, ...], tmp_path: Path
) -> None:
    """Nothing is overwritten."""
    terminal("new", "beam-new/first-law", *sandbox)
    before = (tmp_path / "claims" / "beam-new.toml").read_bytes()
    assert terminal("new", "beam-new/first-law", *sandbox) == ExitCode.BAD_INPUT
    assert "has a claim first-law" in terminal.err
    assert (tmp_path / "claims" / "beam-new.toml").read_bytes() == before
    path = tmp_path / "probes" / "beam_new.erl"
    path.write_text("-module(beam_new).\nfoo(_) -> ok.\n", encoding="utf-8")
    assert terminal("new", "beam-new/foo", *sandbox) == ExitCode.BAD_INPUT
    assert "has a function foo" in terminal.err
    assert terminal("new", "beam-new/bar", *sandbox) == ExitCode.BAD_INPUT
    assert "has no -export" in terminal.err
    assert terminal("new", "beam-new/baz", "--statement", "\udcff", *sandbox) == 4
    assert (tmp_path / "claims" / "beam-new.toml").read_bytes() == before
    path.write_bytes(b"%% \xff\n")
    assert terminal("new", "beam-new/baz", *sandbox) == ExitCode.BAD_INPUT
    assert "is not UTF-8: it is left as it is" in terminal.err


def test_a_folder_without_claims_is_nothing_selected(
    terminal: Terminal, sandbox: tuple[str, ...]
) -> None:
    """Nothing is never called sound."""
    for verb in (("list", *sandbox[:2]), ("lint", *sandbox)):
        assert terminal(*verb) == ExitCode.NOTHING_SELECTED
        assert "there is no claim file in" in terminal.err


def test_coverage_prints_the_table(terminal: Terminal) -> None:
    """The recorded skill covers its section whole; another document it does not."""
    document = str(default_claims_dir() / "research.md")
    assert terminal("coverage", document, "--section", "4", *CLAIMS) == ExitCode.CONFIRMED
    assert "Pain point summary\n" in terminal.out
    assert "0 partly" in terminal.out
    assert "0 uncovered" in terminal.out
    code = terminal("coverage", document, "--section", "9", "--skill", SKILL, *CLAIMS)
    assert code == ExitCode.INCONCLUSIVE
    rows = terminal.json("coverage", document, "--skill", SKILL, *CLAIMS)
    assert {row["status"] for row in rows} <= {"covered", "untestable"}


def test_lint_prints_problems_as_data(terminal: Terminal, sandbox: tuple[str, ...]) -> None:
    """File, line, severity, message."""
    terminal("new", "beam-new/first-law", *sandbox)
    problem = terminal.json("lint", "beam-new", *sandbox)[0]
    assert problem.keys() == {"path", "line", "severity", "message"}
    assert problem["line"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("list", "beam-memory"), 4, 'did you mean "beam-memory-management"?'),
        (("list", "--claims", "nowhere"), 4, "there is no claims folder nowhere"),
        (("show", "refc-treshold"), 4, 'did you mean "refc-threshold"?'),
        (("show", "refc-*"), 4, '"refc-*" names 3'),
        (("show",), 4, "Missing argument 'CLAIM'"),
        (("new", "Beam/New"), 4, '"Beam/New" does not name a claim'),
        (("new", "beam-new"), 4, "write SKILL/CLAIM"),
        (("lint", "beam-memory"), 4, 'did you mean "beam-memory-management"?'),
        (("coverage",), 4, "which section?"),
        (("coverage", "--section", "0"), 4, "Invalid value for '--section'"),
        (("coverage", "--section", "99"), 4, "sections with a skill: 4"),
        (("coverage", "nowhere.md", "--section", "4"), 4, "cannot read the document nowhere.md"),
        (("judge", "nowhere.jsonl"), 4, "cannot read the run file nowhere.jsonl"),
        (("judge", "--runs", "nowhere"), 4, "there is no run in nowhere"),
        (("mutate", "--run", "nowhere.jsonl"), 4, "cannot read the run file nowhere.jsonl"),
        (("mutate", "beam-memory", "--run", str(RUN)), 4, 'did you mean "beam-memory-management"?'),
        (("mutate", "--run", str(EVIDENCE / "README.md")), 4, "not a line of a run file"),
    ],
)
def test_bad_input_has_a_message_and_an_exit_code(
    terminal: Terminal, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """What failed, what was probably meant; no traceback."""
    given = arguments if "--claims" in arguments else (*arguments, *CLAIMS)
    assert terminal(*given) == code
    assert words in terminal.err
    assert "Traceback" not in terminal.err


def test_a_broken_claim_file_stops_every_verb(terminal: Terminal, tmp_path: Path) -> None:
    """With file and line."""
    broken = tmp_path / "beam-x.toml"
    broken.write_text('skill = "beam-x"\ndescription = "D."\nclam = []\n', encoding="utf-8")
    for verb in (("list",), ("show", "x"), ("judge", str(RUN)), ("mutate", "beam-x")):
        assert terminal(*verb, "--claims", str(tmp_path), *(RUNS if verb[0] != "list" else ())) == 4
        assert f'{broken}:3: error: unknown key "clam"; did you mean "claim"?' in terminal.err


def test_folders_come_from_the_environment_or_the_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """BEAMPROOF_CLAIMS and its like win over what lies beside the package."""
    for variable in ("BEAMPROOF_CLAIMS", "BEAMPROOF_PROBES", "BEAMPROOF_CACHE"):
        monkeypatch.delenv(variable, raising=False)
    assert (default_claims_dir().name, default_probes_dir().name) == ("claims", "erlang_probes")
    assert cache_dir().name == "beamproof"
    for variable in ("BEAMPROOF_CLAIMS", "BEAMPROOF_PROBES", "BEAMPROOF_CACHE"):
        monkeypatch.setenv(variable, str(tmp_path))
    assert default_claims_dir() == default_probes_dir() == cache_dir() == tmp_path


def test_a_run_is_named_as_reports_name_it(tmp_path: Path) -> None:
    """With or without the ending of its file."""
    shutil.copyfile(RUN, tmp_path / "a.jsonl")
    assert run_path("a", tmp_path) == run_path("a.jsonl", tmp_path) == tmp_path / "a.jsonl"


def test_the_latest_run_is_the_one_written_last(tmp_path: Path) -> None:
    """Whatever the files are called."""
    for name in ("b.jsonl", "a.jsonl"):
        shutil.copyfile(RUN, tmp_path / name)
    assert latest_run(tmp_path).name == "a.jsonl"


def test_the_latest_run_does_not_hang_on_clocks(tmp_path: Path) -> None:
    """A clock put back, or a file touched, makes no older run the latest."""
    for name, age in (("old", 3 * 86_400), ("new", 0)):
        (tmp_path / f"{name}.jsonl").write_text("a run")
        os.utime(tmp_path / f"{name}.jsonl", (time.time() + age, time.time() + age))
    note_latest(tmp_path / "new.jsonl")
    assert latest_run(tmp_path).name == "new.jsonl"
    (tmp_path / "new.jsonl").unlink()
    assert latest_run(tmp_path).name == "old.jsonl"

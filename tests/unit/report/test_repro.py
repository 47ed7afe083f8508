"""Files that show a claim by themselves: which claims have one, and what stands in it."""

from __future__ import annotations

import math
import re

import pytest

from harness.claims.folder import load_skills
from harness.claims.model import Claim
from harness.cli.main import run
from harness.cli.repro import read_sources
from harness.errors import ExitCode, InputError
from harness.folders import default_claims_dir, own_probes_dir
from harness.report.repro.as_erlang import atom, claim_term, range_term, text, value
from harness.report.repro.escript import escript, why_not
from harness.run.cells import Held, Need
from tests.support.judging import claim, rival

SOURCES = {
    "beam_test": "-module(beam_test).\n-export([law/1, aside/1]).\n"
    "law(_) -> #{}.\naside(_) -> #{}.\n"
}


def sources() -> dict[str, str]:
    return {**read_sources(own_probes_dir()), **SOURCES}


def law(**fields: object) -> Claim:
    return claim(
        {"x_us": 1}, rival({"x_us": 2}), sources=("https://www.erlang.org/doc/",), **fields
    )


@pytest.mark.parametrize(
    ("found", "written"),
    [
        (True, "true"),
        (None, "null"),
        (2**70, str(2**70)),
        (1e22, "1.0e22"),
        (1e-7, "1.0e-7"),
        (-0.0, "-0.0"),
        (math.pi, "3.141592653589793"),
        ('say "x"\\\n', '<<"say \\"x\\"\\\\\\x{a}">>'),
        ("é", '<<"é"/utf8>>'),
        ([1, {"a b": []}], '[1, #{<<"a b">> => []}]'),
    ],
)
def test_values_are_written_as_erlang_reads_them(found: object, written: str) -> None:
    """Text is a binary, a float has a point."""
    assert value(found) == written  # type: ignore[arg-type]


def test_names_are_quoted_where_they_must_be() -> None:
    """Reserved words and capitals are no plain atoms."""
    assert [atom(one) for one in ("ok", "end", "Elixir.Kernel")] == [
        "ok",
        "'end'",
        "'Elixir.Kernel'",
    ]


def test_ranges_are_lists_of_comparisons() -> None:
    """All of them must hold; a prefix stands for whole releases."""
    assert range_term("") == "[]"
    assert range_term(">=25,<25.3") == "[{lt, {[25, 3], final}}, {ge, {[25], final}}]"
    assert range_term("==26.*") == "[{below, [26]}]"
    assert range_term("~=26.1") == "[{ge, {[26, 1], final}}, {below, [26]}]"


def test_a_file_says_what_it_is_and_holds_what_it_runs() -> None:
    """Sentence, sources, how to run it, the exit codes; the probe's own part of its module."""
    found = escript([law()], sources())
    head, _, rest = found.partition("claims() ->")
    assert head.startswith("#!/usr/bin/env escript\n%% -*- coding: utf-8 -*-\n%%! -noinput\n")
    for words in (
        "It holds.",
        "beam-test/law",
        "Source: https://www.erlang.org/doc/",
        "Exit code: 0",
    ):
        assert words in head
    assert "%= beam_test.erl\n%| -module(beam_test)." in rest
    assert "%| law(_) -> #{}." in rest
    assert "aside(_)" not in rest
    modules = re.findall(r"^%= (\w+)\.erl$", found, re.MULTILINE)
    assert modules[0] == "beam_test"
    assert {"probe_peer", "probe_bridge", "repro_judge", "repro_run"} < set(modules)
    assert "probe_state" not in modules
    assert all(
        line.startswith("%") or line == "" for line in rest.partition("\n%= ")[2].splitlines()[1:]
    )


def test_what_lint_calls_wrong_cannot_be_confirmed_by_a_file_either() -> None:
    """The reason travels with the claim."""
    assert "lint calls the claim wrong" in claim_term(law(faults=("claims/x.toml:1: odd",)))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"needs": frozenset({Need.NIF})}, "native code"),
        ({"needs": frozenset({Need.OTHER_RELEASE})}, "a second release"),
        ({"needs": frozenset({Need.DOCKER})}, "a container's limits"),
        ({"held": Held(cpus=0.5)}, "limits from outside (cpus 0.5)"),
    ],
)
def test_what_one_file_cannot_bring_along_is_refused(
    fields: dict[str, object], reason: str
) -> None:
    """The message names the claim, the reason, and the verb that can."""
    refused = law(**fields)
    with pytest.raises(InputError, match=re.escape(reason)) as error:
        escript([refused], sources())
    assert error.value.exit_code == ExitCode.BAD_INPUT
    assert "beamproof verify --claim 'beam-test/law'" in str(error.value)
    assert why_not(law(needs=frozenset({Need.PEERS, Need.CORES, Need.MEMORY}))) is None


def test_a_probe_that_is_nowhere_is_refused() -> None:
    """The message names the module, and the function where only that is missing."""
    with pytest.raises(InputError, match="there is no probe module beam_test"):
        escript([law()], {})
    with pytest.raises(InputError, match="beam_test has no function gone/1"):
        escript([law(name="gone")], sources())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["beam-memory-management/gone"], 'there is no claim "beam-memory-management/gone"'),
        (["refc-*", "--claims", "nowhere"], "nowhere"),
        (["*"], "names"),
        (["refc-threshold", "--probes", "tests"], "there is no probe module"),
    ],
)
def test_bad_input_is_told(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 4, and the name that was meant."""
    assert run(["repro", *words]) == ExitCode.BAD_INPUT
    assert said in capsys.readouterr().err


def test_a_skill_is_one_file_of_all_that_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """The others are named on standard error with their reason."""
    skill = load_skills(default_claims_dir(), ["beam-concurrency-model"])[0]
    assert run(["repro", skill.name]) == ExitCode.CONFIRMED
    printed = capsys.readouterr()
    for one in skill.claims:
        shown = f"name => {text(one.name)}" in printed.out
        assert shown is (why_not(one) is None)
        assert (f"left out: {one.name}: " in printed.err) is not shown


def test_every_regular_expression_of_the_claims_means_the_same_to_erlang() -> None:
    """Nothing that Python's `re` and PCRE read differently."""
    claims = [one for skill in load_skills(default_claims_dir()) for one in skill.claims]
    regex = re.compile(r"\{(?:matches|search), <<\"((?:\\.|[^\"])*)\"")
    own = [found[1] for one in claims for found in regex.finditer(claim_term(one))]
    assert own
    odd = re.compile(r"\\[pPhHvVRXKGQECuUN]|\(\?[^:=!iP<]|\[\[:|[*+?}]\+")
    assert [one for one in own if odd.search(one.replace("\\\\", "\\"))] == []

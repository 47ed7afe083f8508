"""Lint: each thing that a claim or a probe can lack has a message at its line."""

from pathlib import Path

import pytest

from harness.authoring.lint import lint
from harness.authoring.probe_source import read_module
from harness.claims.paths import refuse_unknown
from harness.errors import InputError

CLAIMS = """\
skill = "beam-test"
section = 4
description = "What is tested."

[[claim]]
id = "first-law"
statement = "It holds."
quote = "Nobody frees Heaps and binaries."
sources = ["https://www.erlang.org/doc/apps/erts/erlang.html"]
expect.size_bytes = 64

[[claim.rival]]
statement = "It does not hold."
expect.size_bytes = 65
"""

PROBES = """\
%% Probes.
-module(beam_test).

-export([first_law/1]).

%% Provokes it.
%% Evidence: size_bytes, the size.
%% Cost: nothing.
%% Misread: in no way.
%% Source:
%%   https://www.erlang.org/doc/apps/erts/erlang.html
-spec first_law(map()) -> map().
first_law(_) ->
    %% -export([hidden/1]).
    #{size_bytes => helper("-export([x/1]).", $")}.

helper(_, _) -> 'a % b'.
"""

DOCUMENT = """\
## 4. `beam-test`

**Summary:** Nobody frees Heaps and binaries.
"""


VARIANTS = """\
skill = "beam-test"

[[variant]]
id = "no-helper"
claims = ["first-law"]
why = "The helper is not asked."

[[variant.edit]]
find = 'helper("-export([x/1]).", $")'
replace = "65"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "beam-test.toml").write_text(CLAIMS, encoding="utf-8")
    (tmp_path / "beam_test.erl").write_text(PROBES, encoding="utf-8")
    (tmp_path / "research.md").write_text(DOCUMENT, encoding="utf-8")
    (tmp_path / "sabotage").mkdir()
    (tmp_path / "sabotage" / "beam-test.toml").write_text(VARIANTS, encoding="utf-8")
    return tmp_path


def problems(folder: Path, name: str = "", old: str = "", new: str = "") -> list[str]:
    """Lint after one change, and return `file:line: message` of each problem."""
    if name:
        path = folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
    linted = lint(folder, folder)
    return [f"{one.path.name}:{one.line}: {one.message}" for one in linted.problems]


def test_a_whole_skill_has_no_problems(folder: Path) -> None:
    """What the other tests break is sound."""
    assert problems(folder) == []


CLAIM_FILE, PROBE_FILE = "beam-test.toml", "beam_test.erl"
RIVAL = CLAIMS[CLAIMS.index("[[claim.rival]]") :]
OTP_PAGE = "https://www.erlang.org/doc/apps/erts/erlang.html"


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "message"),
    [
        (CLAIM_FILE, OTP_PAGE, "https://example.org/", 5, "no source is a page of www.erlang.org"),
        (CLAIM_FILE, OTP_PAGE, "erlang.html", 5, 'the source "erlang.html" is no URL'),
        (CLAIM_FILE, RIVAL, "", 5, "it has no rival"),
        (CLAIM_FILE, RIVAL, RIVAL + 'otp = "<26"\n', 5, "no rival is about OTP 26.0, 26.2.5.12"),
        (CLAIM_FILE, "expect.size_bytes = 65", "expect.size_bytes = 64", 12, "decides nothing"),
        (CLAIM_FILE, "It holds.", "It holds", 5, "it has no full stop"),
        (CLAIM_FILE, "It holds.", "TODO.", 5, "it still says TODO"),
        (CLAIM_FILE, "It does not hold.", "TODO.", 5, "it still says TODO"),
        (CLAIM_FILE, "What is tested.", "TODO.", 1, "the description still says TODO"),
        (CLAIM_FILE, "size_bytes = 64", "size = 64", 10, 'end "size" in one of _bits, _bytes,'),
        (
            CLAIM_FILE,
            "expect.size_bytes = 64",
            "expect.x_count = { at_least = 0 }",
            10,
            "at_least = 0 holds for whatever is found",
        ),
        (
            CLAIM_FILE,
            "expect.size_bytes = 64",
            "expect.x_us = { approx = 3, rel = 1 }",
            10,
            "a tolerance of 3.0 around 3 reaches zero",
        ),
        (
            CLAIM_FILE,
            "expect.size_bytes = 64",
            'expect.x_text = { matches = ".*" }',
            10,
            "matches everything",
        ),
        (
            CLAIM_FILE,
            "[[claim.rival]]",
            '[[claim.when]]\notp = ">=30"\nwhy = "W."\nexpect.size_bytes = 3\n[[claim.rival]]',
            12,
            "the claim is about no such release",
        ),
        (CLAIM_FILE, 'id = "first-law"', 'id = "first-lau"', 5, 'did you mean "first_law"?'),
        (CLAIM_FILE, "Heaps and", "Stacks and", 5, 'does not say "Nobody frees Stacks'),
        (CLAIM_FILE, "section = 4", "section = 7", 1, "the document has no section 7; it has 4"),
        (PROBE_FILE, "first_law/1]", "first_law/1, helper/2]", 17, "this takes 2 arguments"),
        (PROBE_FILE, "first_law/1]", "first_law/1, helper/2]", 17, "no claim uses this probe"),
        (PROBE_FILE, "-spec", "%% -spec", 13, "it has no -spec"),
        (PROBE_FILE, "%% Cost: nothing.\n", "", 12, "the comment before it lacks Cost:"),
        (PROBE_FILE, "%% Misread: in no way.\n", "%% Misread:\n\n", 14, "lacks Evidence:, Cost:"),
        (PROBE_FILE, "%% Provokes it.\n", "", 12, "does not open with what it provokes"),
        (PROBE_FILE, "Provokes it", "TODO", 13, "it still says TODO"),
        ("research.md", "binaries.", "binaries. Stacks grow.", 3, 'quotes "Stacks grow."'),
        (
            "research.md",
            "Nobody frees Heaps and binaries.",
            "Whoever grows slowly all day knows: nobody frees heaps and binaries.",
            3,
            "nobody quotes",
        ),
    ],
)
def test_what_is_wrong_is_named_at_its_line(  # noqa: PLR0913, PLR0917  one row a mistake
    folder: Path, name: str, old: str, new: str, line: int, message: str
) -> None:
    """File, line, what is missing."""
    found = problems(folder, name, old, new)
    assert any(one.startswith(f"{name}:{line}: ") and message in one for one in found), found


def test_rivals_are_compared_release_by_release(folder: Path) -> None:
    """A rival that states the behaviour of other releases is a good one."""
    when = (
        '[[claim.when]]\notp = ">=27"\nwhy = "W."\nexpect.size_bytes = 65\n\n'
        '[[claim.rival]]\nstatement = "As ever."\notp = ">=27"\nexpect.size_bytes = 64\n\n'
        '[[claim.rival]]\nstatement = "It does not hold."\notp = "<27"'
    )
    rival = '[[claim.rival]]\nstatement = "It does not hold."'
    assert problems(folder, CLAIM_FILE, rival, when) == []
    found = problems(folder, CLAIM_FILE, 'otp = "<27"', 'otp = ">=26"')
    assert any("on OTP 27.0, 27.3.4.1: it decides nothing" in one for one in found), found


def test_a_module_without_a_claim_file_is_named(folder: Path) -> None:
    """Nobody forgets probes; modules named after a skill support it and are no probes."""
    for name in ("beam_more", "beam_test_lib", "beam_test_signals", "probe_lib"):
        (folder / f"{name}.erl").write_text("-module(x).\n", encoding="utf-8")
    message = "no claim file beam-more.toml goes with these probes"
    assert problems(folder) == [f"beam_more.erl:1: {message}"]


def test_missing_files_are_named(folder: Path) -> None:
    """Neither the document nor the probes may be away."""
    (folder / "research.md").unlink()
    (folder / PROBE_FILE).unlink()
    found = problems(folder)
    assert any("the probes of beam-test cannot be read" in one for one in found)
    assert any("section = 4: cannot read" in one for one in found)


def test_a_skill_without_a_section_needs_no_document(folder: Path) -> None:
    """Claims of one's own need no research."""
    (folder / "research.md").unlink()
    assert problems(folder, CLAIM_FILE, "section = 4\n", "") == []


def test_variants_are_linted_with_their_claims(folder: Path) -> None:
    """Wrong ones are errors, claims without any a warning, files without claims an error."""
    variants = folder / "sabotage" / "beam-test.toml"
    found = problems(folder, "sabotage/beam-test.toml", "find = 'helper", "find = 'hilper")
    assert found[0].startswith("beam-test.toml:9: no-helper: beam_test.erl: the lines do not stand")
    variants.unlink()
    (bare,) = problems(folder)
    assert bare.startswith("beam-test.toml:1: 1 claims without a variant in ")
    assert bare.endswith("beam-test.toml: first-law")
    assert lint(folder, folder).errors == 0
    variants.with_name("beam-tset.toml").write_text('skill = "beam-tset"\n', encoding="utf-8")
    stray = "no claim file beam-tset.toml goes with these variants"
    assert f'beam-tset.toml:1: {stray}; did you mean "beam-test"?' in problems(folder)


def test_a_project_trusts_its_own_sources(folder: Path) -> None:
    """Beside OTP's own, which nobody needs to name."""
    text = (folder / CLAIM_FILE).read_text(encoding="utf-8")
    (folder / CLAIM_FILE).write_text(text.replace(OTP_PAGE, "https://hexdocs.pm/x/Y.html"))
    assert "[tool.beamproof]" in problems(folder)[0]
    assert lint(folder, folder, trusted=["https://hexdocs.pm/"]).problems == ()
    (found,) = lint(folder, folder, trusted=["https://rabbitmq.com/"]).problems
    assert "nor begins with https://rabbitmq.com/" in found.message


def test_callbacks_of_a_behaviour_are_no_probes(folder: Path) -> None:
    """OTP calls them, no claim does."""
    exports = "-behaviour(gen_server).\n-export([first_law/1, init/1, handle_call/3"
    (folder / PROBE_FILE).write_text(
        PROBES.replace("-export([first_law/1", exports)
        + "\ninit(_) -> {ok, none}.\n\nhandle_call(_, _, S) -> {reply, ok, S}.\n"
    )
    assert problems(folder) == []


def test_an_unknown_skill_is_refused(folder: Path) -> None:
    """What was probably meant is said."""
    with pytest.raises(InputError, match='did you mean "beam-test"'):
        refuse_unknown(folder, ["beam-tset"])


def test_the_source_of_a_probe_is_cut_out_whole(folder: Path) -> None:
    """From its comment to its full stop, whatever strings and comments say."""
    module = read_module(folder / PROBE_FILE)
    (probe,) = module.probes
    assert (probe.name, probe.arity, probe.line, probe.has_spec) == ("first_law", 1, 13, True)
    assert probe.source.startswith("%% Provokes it.")
    assert probe.source.endswith('$")}.')
    assert probe.doc.splitlines()[0] == "Provokes it."

"""The site: everything is on it, every link leads somewhere, nothing in evidence is markup."""

from __future__ import annotations

import dataclasses
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urldefrag

import msgspec
import pytest
from support import synthetic_runs
from support.synthetic_runs import SIXTY, Files, Shape

from harness.authoring.probe_source import ProbeModule, read_module
from harness.claims.folder import load_skills
from harness.claims.model import Skill
from harness.cli.repro import read_sources
from harness.judge.compare import compare
from harness.judge.view import RunView, view
from harness.report.html import charts, folding, series, side_by_side, texts
from harness.report.html.charts import lay_out
from harness.report.html.links import Links
from harness.report.html.series import Curve, Mark, Plot, plots, words
from harness.report.html.site import environment, page_name, site
from harness.report.releases import labels
from harness.report.to_json import render_json, report
from harness.run.cells import CellId
from harness.run.file import read_run
from harness.run.model import Note, Run, Sample

VOID = {"meta", "link", "input", "br", "wbr", "hr", "img"}


class Page(HTMLParser):
    """Collect what a page has: elements, ids, links, text; and whether tags are balanced."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.handlers: list[str] = []
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in {"href", "src"}:
                self.links.append(str(value))
            if name.startswith("on") or name == "style":
                self.handlers.append(name)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def modules(files: Files) -> Mapping[str, ProbeModule]:
    return {path.stem: read_module(path) for path in files.probes.glob("*.erl")}


@pytest.fixture(scope="module")
def built(
    judged: RunView, judged_next: RunView, modules: Mapping[str, ProbeModule]
) -> dict[str, bytes]:
    """Return the files of the site of two nights."""
    return dict(site([judged, judged_next], modules, compare(judged, judged_next)))


@pytest.fixture(scope="module")
def parsed(built: dict[str, bytes]) -> dict[str, Page]:
    return {name: Page(content) for name, content in built.items() if name.endswith(".html")}


def test_there_is_a_page_a_skill_and_a_page_a_claim(built: dict[str, bytes]) -> None:
    """Beside the front page, the style sheet, the script and the icon."""
    kinds = Counter((PurePosixPath(name).suffix, name.count("/")) for name in built)
    assert kinds == {
        (".html", 0): 6,
        (".html", 1): 16,
        (".css", 1): 1,
        (".js", 1): 4,
        (".svg", 1): 1,
        (".json", 1): 1,
        (".jsonl", 1): 1,
        (".atom", 0): 1,
    }


def test_every_link_leads_somewhere(parsed: dict[str, Page], built: dict[str, bytes]) -> None:
    """Files and anchors; only sources lead out of the site."""
    for name, page in parsed.items():
        for link in page.links:
            target, anchor = urldefrag(link)
            if target.startswith("https://www.erlang.org/"):
                continue
            where = str(PurePosixPath(name).parent / target) if target else name
            parts: list[str] = []
            for part in PurePosixPath(where).parts:
                parts = parts[:-1] if part == ".." else [*parts, part]
            path = "/".join(parts)
            assert path in built, (name, link)
            assert not anchor or unquote(anchor) in parsed[path].ids, (name, link)


def test_anchors_are_stable_and_unique(parsed: dict[str, Page]) -> None:
    """A cell is `#claim@runtime` on its skill's page and on its claim's."""
    assert "claim-002@otp27" in parsed["beam-skill-a.html"].ids
    assert "claim-002@otp27" in parsed["beam-skill-a/claim-002.html"].ids
    for name, page in parsed.items():
        assert not [one for one, count in Counter(page.ids).items() if count > 1], name


def test_pages_are_well_formed(parsed: dict[str, Page]) -> None:
    """Every element is closed, there is one heading of the first rank, nothing is inline."""
    for name, page in parsed.items():
        assert page.open == [], name
        assert page.tags.count("h1") == page.tags.count("main") == 1, name
        assert page.handlers == [], name


def test_markup_in_evidence_is_text(parsed: dict[str, Page]) -> None:
    """A probe cannot put an element into the page; control characters are shown as pictures."""
    page = parsed["beam-skill-a/claim-000.html"]
    assert page.tags.count("script") == 1
    assert page.text.count('<script>alert("evidence")</script>') >= 3
    assert "\N{SYMBOL FOR NULL}\N{SYMBOL FOR ESCAPE}[31m" in page.text
    assert "b" not in page.tags


def test_the_front_page_goes_from_the_whole_to_what_needs_a_person(parsed: dict[str, Page]) -> None:
    """The matrix, what is not confirmed, what changed, then what ran and what can be had."""
    text = parsed["index.html"].text
    order = ["Skills and releases", "Not confirmed", "slower_ratio: predicted at least 2",
             "Changed since", "got worse", "What ran", "erlang:27-slim", "To take away",
             "complete"]  # fmt: skip
    places = [text.index(one) for one in order]
    assert places == sorted(places)


def test_what_is_not_confirmed_is_told_by_claim(judged: RunView) -> None:
    """One that two releases refute for two reasons is one row with both."""
    page = Page(dict(site([judged], {}))["index.html"])
    names = re.findall(r"beam-skill-[ab]/claim-\d+", page.text.partition("Not confirmed")[2])
    assert len(names) == len(set(names)) > 1


def test_every_page_says_what_it_is_about(parsed: dict[str, Page], built: dict[str, bytes]) -> None:
    """To search engines and in previews of a link."""
    assert b'<meta property="og:title" content="claim-000">' in built["beam-skill-a/claim-000.html"]
    for name in parsed:
        assert re.search(rb'<meta name="description" content="[^"<]{20,}', built[name]), name


def test_the_search_index_is_a_script_that_holds_every_claim(built: dict[str, bytes]) -> None:
    """With rivals and keys of evidence; nothing in it ends the script."""
    text = built["assets/index.js"].decode()
    rows = json.loads(text.removeprefix("window.beamproofIndex = ").removesuffix(";\n"))
    assert len(rows) == 16
    (row,) = (one for one in rows if one["name"] == "beam-skill-a/claim-002")
    assert row["verdict"] == "refuted"
    assert row["rivals"] == ["Belief 2 of old books."]
    assert "slower_ratio" in row["keys"]
    assert row["href"] in built
    assert "</" not in text


def test_any_two_runs_can_be_compared_in_the_browser(built: dict[str, bytes]) -> None:
    """From a script that holds all verdicts, why, and the figures that moved; nothing ends it."""
    text = built["assets/runs.js"].decode()
    data = json.loads(text.removeprefix("window.beamproofRuns = ").removesuffix(";\n"))
    assert "</" not in text
    assert [one["run"] for one in data["runs"]] == ["20261120T030000-aaaa", "20261121T030000-bbbb"]
    at = data["claims"].index("beam-skill-a/claim-002") * 3 + data["runtimes"].index("otp27")
    assert [one["verdicts"][at] for one in data["runs"]] == ["c", "r"]
    why = data["reasons"][data["runs"][1]["why"][str(at)]]
    assert why.startswith("slower_ratio: predicted at least 2")
    assert data["pages"][0] in built
    (figure,) = (one for one in data["figures"] if one[:2] == [at, "slower_ratio"])
    assert figure[5][0] > 3 > figure[5][1]
    assert not [one for one in data["figures"] if one[1] == "knee_count"]
    assert data["runs"][1]["vms"]["otp27"] == "27.3.5, docker, erlang:27-slim"


def test_what_runs_are_compared_by_is_bounded(judged: RunView) -> None:
    """By runs, and by the verdicts of all of them together."""
    assert len(side_by_side.chosen([judged] * 99)) == side_by_side.MOST_RUNS
    many = Shape(releases=SIXTY, claims=400, skills=10)
    cells = [f"beam-skill-a/claim-{n}@otp{name}" for n in range(4000) for name in many.releases]
    finding = judged.findings[0]
    huge = dataclasses.replace(
        judged, findings=tuple(dataclasses.replace(finding, cell=CellId(cell)) for cell in cells)
    )
    assert len(side_by_side.chosen([huge] * 20)) == 8


def test_what_is_taken_away_can_be_judged_again(
    built: dict[str, bytes], judged_next: RunView, tmp_path: Path
) -> None:
    """The run is a run file, the findings are those of the schema."""
    (tmp_path / "run.jsonl").write_bytes(built["data/run.jsonl"])
    run = read_run(tmp_path / "run.jsonl")
    assert run.by_cell.keys() == judged_next.run.by_cell.keys()
    assert run.complete
    assert json.loads(built["data/report.json"])["schema_version"] == 1


def test_the_feed_is_atom(built: dict[str, bytes]) -> None:
    """An entry a run that changed something."""
    root = ET.fromstring(built["changes.atom"])  # noqa: S314 (our own)
    atom = "{http://www.w3.org/2005/Atom}"
    assert root.tag == f"{atom}feed"
    (entry,) = root.findall(f"{atom}entry")
    title = entry.findtext(f"{atom}title")
    assert title is not None
    assert "2 got worse" in title
    assert "worse: beam-skill-a/claim-002@otp27" in str(entry.findtext(f"{atom}content"))
    for name in ("id", "updated", "title"):
        assert root.findtext(f"{atom}{name}")
        assert entry.findtext(f"{atom}{name}")


def test_lines_are_linked_where_the_project_says_so(
    judged: RunView, modules: Mapping[str, ProbeModule], files: Files
) -> None:
    """An address is never guessed."""
    links = Links(repository="https://host/app/blob/main", root=files.claims.parent)
    page = Page(dict(site([judged], modules, links=links))["beam-skill-a/claim-002.html"])
    own = [link for link in page.links if link.startswith("https://host/")]
    assert [re.sub(r"\d+$", "N", link) for link in own] == [
        "https://host/app/blob/main/probes/beam_skill_a.erl#LN",
        "https://host/app/blob/main/claims/beam-skill-a.toml#LN",
    ]
    without = Page(dict(site([judged], modules))["beam-skill-a/claim-002.html"])
    assert not [link for link in without.links if "blob" in link]


def test_a_night_that_is_missing_is_a_gap() -> None:
    """A curve over time has times, dates beside the axis, and no line where no run was."""
    days = [n * 86_400.0 for n in (0, 1, 2, 5, 6)]
    assert series.long_gaps(days) == {3}
    assert series.long_gaps(days[:1]) == frozenset()
    curve = series.Curve(
        label="OTP 27",
        points=tuple((at, float(n)) for n, at in enumerate(days)),
        breaks=frozenset({3}),
        runs=tuple("abcde"),
    )
    chart = charts.lay_out(
        series.Plot(path="x", x_key="run", y_key="x_count", curves=(curve,), dates=True)
    )
    assert [tick.text for tick in chart.x_ticks] == ["1 Jan", "2 Jan", "3 Jan", "6 Jan", "7 Jan"]
    assert chart.lines[0].path.count("M") == 2
    assert [dot.run for dot in chart.lines[0].dots] == list("abcde")
    assert chart.lines[0].dots[3].title == "OTP 27: 6 Jan → 3"


def test_a_claims_page_holds_all_that_decides_it(parsed: dict[str, Page]) -> None:
    """Sentence, quote, both values, the rival, the source, the build, the command, the runs."""
    text = " ".join(parsed["beam-skill-a/claim-002.html"].text.split())
    for part in (
        "Statement 2 about <ratio>",
        "The document says 2",
        "at least 2",
        "Belief 2 of old books.",
        "contradicted on OTP 25",
        "fits as well on OTP 27",
        "claim_002(Args) ->",
        "Builds binaries of every size",
        "OTP 27.3.5, ERTS 15.2, JIT, 2 schedulers",
        "beamproof verify beam-skill-a --claim claim-002 --otp 27",
        "5 calls",
        "Over time",
        "https://www.erlang.org/doc/system/binaryhandling.html",
    ):
        assert part in text, part


def test_series_are_drawn_with_all_releases_in_one_chart(parsed: dict[str, Page]) -> None:
    """With the predicted threshold, a legend, and the numbers as a table."""
    page = parsed["beam-skill-a/claim-001.html"]
    assert page.tags.count("figure") >= 1
    assert "receive (µs) by mailbox (count); OTP 25, OTP 26, OTP 27" in page.text
    assert "knee_count 1000" in page.text
    assert "The numbers" in page.text


def test_an_incomplete_run_says_so_on_every_page(judged: RunView, skills: Sequence[Skill]) -> None:
    """Half a run is never taken for a whole one; cells without observation are inconclusive."""
    half = msgspec.structs.replace(
        judged.run, observations=judged.run.observations[:20], footer=None
    )
    pages = dict(site([view(half, skills)], {}))
    for name in ("index.html", "beam-skill-a.html", "beam-skill-a/claim-000.html"):
        assert (
            "The run is incomplete: cut short; 20 of 46 cells were observed."
            in Page(pages[name]).text
        )
    assert "the run ended before this cell was observed" in Page(pages["index.html"]).text


def test_cells_without_a_claim_and_changed_claims_are_told(
    judged: RunView, skills: Sequence[Skill]
) -> None:
    """An old run keeps cells whose claim is gone: they are named, and the rest is judged."""
    seen = view(judged.run, skills[:1], claims_sha256={"beam-skill-a": "other"})
    text = " ".join(seen.warnings())
    assert "No claim file has beam-skill-b/claim-000@otp25" in text
    assert "and 21 more" in text
    assert "changed since the run was made: beam-skill-a." in text
    assert [skill.name for skill in seen.skills] == ["beam-skill-a"]
    assert len(json.loads(render_json(report(seen)))["unknown"]) == 24
    assert "changed since the run was made" in Page(dict(site([seen], {}))["index.html"]).text


def test_without_the_probes_the_page_says_how_to_get_their_source(judged: RunView) -> None:
    """A report can be made where the probes are not."""
    page = Page(dict(site([judged], {}))["beam-skill-a/claim-000.html"])
    assert "--probes DIR" in page.text


def test_what_is_equal_is_shown_once() -> None:
    """Equal neighbours share a cell; a list that differs does not look equal by its length."""
    table = folding.evidence_table(
        {
            "otp25": samples({"a_count": 1, "rows": [{"x": 1}], "b_us": 5}),
            "otp26": samples({"a_count": 1, "rows": [{"x": 2}], "b_us": 6}),
            "otp27": samples({"a_count": 1, "rows": [{"x": 2}], "b_us": 6}),
        }
    )
    assert table.columns == ("OTP 25", "OTP 26", "OTP 27")
    assert {row.path: [span.width for span in row.spans] for row in table.rows} == {
        "a_count": [3],
        "rows": [1, 2],
        "b_us": [1, 2],
    }
    assert [row.same for row in table.rows] == [True, False, False]


def test_several_samples_are_shown_as_median_and_range() -> None:
    """Five numbers of one key need one cell."""
    (row,) = folding.evidence_table({"otp27": samples(*({"a_us": n} for n in (3, 1, 2)))}).rows
    assert row.spans[0].text == "2 µs (1 to 3, n = 3)"


def samples(*evidence: dict[str, object]) -> tuple[Sample, ...]:
    return tuple(Sample(evidence=dict(one), elapsed_us=1, node="n") for one in evidence)


def test_pretty_json_is_json() -> None:
    """Small parts on one line, large ones indented, and the value comes back."""
    value = {"a": list(range(60)), "b": {"c": [], "d": {}, "e": 'x"<'}, "f": None}
    made = folding.pretty(value)
    assert msgspec.json.decode(made) == value
    assert max(map(len, made.splitlines())) < 100


@pytest.mark.parametrize(
    ("runtimes", "said"),
    [
        (["otp24", "otp25", "otp26", "otp28"], "OTP 24\N{EN DASH}26, 28"),
        (["otp27"], "OTP 27"),
        (["otp25", "otp27"], "OTP 25, 27"),
        (["custom"], "custom"),
    ],
)
def test_releases_are_named_as_people_say_them(runtimes: list[str], said: str) -> None:
    """Neighbours are joined."""
    assert labels(runtimes) == said


def test_many_releases_are_folded_where_they_agree() -> None:
    """Sixty columns are as many as there are different ones; what differs on all is a span."""
    same = {f"otp26.{n}": samples({"a_count": int(n > 4), "b_us": 5}) for n in range(20)}
    table = folding.evidence_table(same)
    assert table.columns == ("OTP 26.0\N{EN DASH}26.4", "OTP 26.5\N{EN DASH}26.19")
    scattered = {name: samples({"a_count": 1, "b_us": n}) for n, name in enumerate(same)}
    assert dict(folding.evidence_table(scattered).long) == {
        "a_count": (("OTP 26.0\N{EN DASH}26.19", "1"),),
        "b_us": (("OTP 26.0\N{EN DASH}26.19", "0 to 19 µs"),),
    }


@pytest.fixture(scope="module")
def sixty(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the site of sixty patch releases."""
    made = Shape(releases=SIXTY, claims=6, moved=frozenset({4}), moved_from="27.2")
    files = synthetic_runs.write(tmp_path_factory.mktemp("sixty"), made)
    return dict(site([view(read_run(files.run), load_skills(files.claims))], {}))


def test_sixty_columns_can_be_read(sixty: dict[str, bytes]) -> None:
    """On the front page, in a skill's table and on a claim's page; every cell keeps its anchor."""
    front, skill = Page(sixty["index.html"]), Page(sixty["beam-skill-a.html"])
    assert front.text.count("24.0.1\N{EN DASH}27.3.1") == 1
    assert skill.tags.count("th") < 20
    claim = Page(sixty["beam-skill-a/claim-004.html"])
    assert " ".join(claim.text.split()).count("24.0\N{EN DASH}27.1.3: 64 bytes") == 1
    assert "27.2 on: 65 bytes" in " ".join(claim.text.split())
    for page in (skill, claim):
        assert {f"claim-004@otp{release}" for release in SIXTY} <= set(page.ids)
    timed = Page(sixty["beam-skill-a/claim-002.html"])
    assert "60 releases that need nobody" in timed.text
    assert timed.text.count("at least 2") == 1


def renamed(run: Run, old: str, new: str) -> Run:
    """Return a run in which a runtime has another name, as one of several of its release has."""

    def all_of(cells: Sequence[str]) -> tuple[str, ...]:
        return tuple(cell.replace(f"@{old}", f"@{new}") for cell in cells)

    replace = msgspec.structs.replace
    header = replace(
        run.header,
        cells=all_of(run.header.cells),
        runtimes=tuple(
            replace(one, name=new) if one.name == old else one for one in run.header.runtimes
        ),
    )
    seen = tuple(
        replace(one, runtime=new, cells=all_of(one.cells)) if one.runtime == old else one
        for one in run.observations
    )
    return replace(run, header=header, observations=seen)


def test_one_release_had_in_two_ways_is_told_apart(
    judged: RunView, skills: Sequence[Skill]
) -> None:
    """By what its name adds, and by its way and version below it."""
    pages = dict(site([view(renamed(judged.run, "otp26", "otp27-app-1"), skills)], {}))
    for name in ("index.html", "beam-skill-a.html"):
        text = " ".join(Page(pages[name]).text.split())
        assert re.search(r"25 ?27 ?27 \(app-1\) ?docker 26\.2\.5\.6", text), name


def test_notes_of_a_run_are_on_the_site(judged: RunView, skills: Sequence[Skill]) -> None:
    """Of its VMs, and of modules: once for all releases, also on the pages of their claims."""
    header = msgspec.structs.replace(
        judged.run.header,
        runtimes=tuple(
            msgspec.structs.replace(one, notes=("ERL_FLAGS was kept from it",))
            for one in judged.run.header.runtimes
        ),
    )
    noted = tuple(
        Note(at="2026-11-20", about="beam_skill_a", text="warns of <x>", runtime=name)
        for name in ("otp25", "otp26")
    )
    run = msgspec.structs.replace(judged.run, header=header, notes=noted)
    pages = dict(site([view(run, skills)], {}))
    front = Page(pages["index.html"]).text
    assert "OTP 25\N{EN DASH}27: ERL_FLAGS was kept from it" in front
    assert "OTP 25\N{EN DASH}26: beam_skill_a: warns of <x>" in front
    assert "beam_skill_a: warns of <x>" in Page(pages["beam-skill-a/claim-000.html"]).text
    assert "warns of" not in Page(pages["beam-skill-b/claim-000.html"]).text


def test_what_was_swept_is_the_axis() -> None:
    """The key that rises with every point and is no measurement; others are curves over it."""
    rows = [{"size_bytes": 2**n, "time_us": n * 1.5, "kind": "x"} for n in range(1, 6)]
    (plot,) = plots({"OTP 27": {"deep": {"points": rows}}})
    assert (plot.path, plot.x_key, plot.y_key) == ("deep.points", "size_bytes", "time_us")
    assert words("mailbox_count") == "mailbox (count)"


@pytest.mark.parametrize(
    "rows",
    [
        [{"x_count": 1, "y_us": 1}, {"x_count": 2, "y_us": 1}],
        [{"x_count": n % 2, "name": "a"} for n in range(5)],
        [{"case": "a", "y_us": 1}] * 4,
        [1, 2, 3, 4],
    ],
)
def test_what_is_no_series_is_not_drawn(rows: list[object]) -> None:
    """Too few points, nothing that rises, or no numbers."""
    assert plots({"OTP 27": {"points": rows}}) == ()


@pytest.mark.parametrize(
    "points",
    [
        ((1.0, 1.0), (2.0, 1.0), (3.0, 1.0)),
        ((-5.0, -1.0), (0.0, 0.0), (5.0, 1e9)),
        ((1.0, 0.0), (1e6, 0.0), (1e12, 0.0)),
        ((0.001, 1e-9), (0.002, 1e-3), (0.003, 10.0)),
        ((7.0, 7.0),),
    ],
)
def test_any_numbers_can_be_drawn(points: tuple[tuple[float, float], ...]) -> None:
    """Flat, negative, tiny, enormous, a single point: no chart fails or leaves its box."""
    plot = Plot(
        path="p",
        x_key="x_count",
        y_key="y_us",
        curves=(Curve(label="<OTP>", points=points),),
        marks=(
            Mark(axis="x", low=points[0][0], high=points[0][0], label="<a>"),
            Mark(axis="y", low=0, high=None, label="b", rival=True),
        ),
    )
    draw = environment().get_template("chart.svg").module.draw  # type: ignore[attr-defined]
    made = draw(lay_out(plot), "p")
    ET.fromstring(made)  # noqa: S314 (our own)
    assert "<OTP>" not in made
    assert "nan" not in made
    assert "inf" not in made


def test_names_that_the_site_needs_are_kept_apart() -> None:
    """A claim called `index` does not overwrite a page."""
    assert page_name("index") == "index-page"
    assert page_name("refc-threshold") == "refc-threshold"


def test_prose_keeps_the_documents_marks_and_nothing_else() -> None:
    """Bold and code are elements, anything else is text."""
    assert texts.prose("**a** `b<c>` <i>") == (
        "<strong>a</strong> <code>b&lt;c&gt;</code> &lt;i&gt;"
    )


def test_a_claim_is_shown_by_a_file_to_download(
    judged: RunView, modules: Mapping[str, ProbeModule], files: Files
) -> None:
    """One file a skill; each claim that is in it says how it is run."""
    pages = dict(site([judged], modules, sources=read_sources(files.probes)))
    text = pages["beam-skill-a/beam-skill-a.escript"].decode()
    claim = Page(pages["beam-skill-a/claim-002.html"])
    assert "beam-skill-a.escript" in claim.links
    assert "escript beam-skill-a.escript claim-002" in claim.text
    assert 'name => <<"beam-skill-a/claim-002">>' in text
    assert not any(name.endswith(".escript") for name in dict(site([judged], modules)))

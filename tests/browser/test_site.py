"""The site in a real browser: opened from disk, offline, by keyboard, narrow, dark, on paper."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from support.visits import Visit

PAGES = [
    "index.html",
    "search.html?q=ratio",
    "method.html",
    "compare.html",
    "beam-skill-a.html",
    "beam-skill-a/claim-000.html",
    "beam-skill-a/claim-001.html",
    "beam-skill-a/claim-002.html",
    "beam-skill-a/claim-003.html",
]
RULES = {"preload": False}
"""All of axe's, best practices included; to preload is to fetch what the page forbids."""
LOOKS = [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]
SKILL = "beam-skill-a.html"


@pytest.mark.parametrize("visit", LOOKS, indirect=True, ids=str)
def test_every_page_is_accessible_fits_and_asks_nobody(visit: Visit) -> None:
    """No console message, no outside request, no sideways scrolling, nothing for axe."""
    for name in PAGES:
        page = visit.open(name)
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, (name, wide)
        found = Axe().run(page, options=RULES)
        assert not found.violations_count, (name, found.generate_report())
    assert visit.problems == []


@pytest.mark.parametrize("visit", LOOKS, indirect=True, ids=str)
def test_sixty_columns_are_accessible_and_fit(visit: Visit, sixty: Path) -> None:
    """Also the claim whose values differ on all of them, and one whose value moved."""
    for name in ("index.html", SKILL, *(f"beam-skill-a/claim-00{n}.html" for n in (1, 2, 4))):
        page = visit.page
        page.goto(f"{sixty.as_uri()}/{name}")
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, (name, wide)
        found = Axe().run(page, options=RULES)
        assert not found.violations_count, (name, found.generate_report())


def test_a_release_within_a_folded_column_is_found(visit: Visit, sixty: Path) -> None:
    """By the filter, and by the anchor of its cell, also in what is folded away."""
    page = visit.page
    page.goto(f"{sixty.as_uri()}/{SKILL}")
    page.get_by_role("combobox", name="Release").select_option("otp26.1.2")
    expect(page.get_by_role("columnheader", name="27.3.4.10")).to_be_hidden()
    expect(page.get_by_role("columnheader", name="24.0.1")).to_be_visible()
    page.goto(f"{sixty.as_uri()}/beam-skill-a/claim-002.html#claim-002@otp26.1.2")
    expect(page.get_by_role("region", name="OTP 26.1.2")).to_be_in_viewport()


@pytest.mark.parametrize("visit", LOOKS, indirect=True, ids=str)
def test_the_page_follows_the_readers_colours(visit: Visit) -> None:
    """Background and the curves of a chart change with the scheme."""
    page = visit.open("beam-skill-a/claim-001.html")
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert colour == ("rgb(22, 22, 26)" if is_dark else "rgb(255, 255, 255)")
    curve = page.evaluate("getComputedStyle(document.querySelector('.chart .c1 .line')).stroke")
    assert curve == ("rgb(255, 157, 110)" if is_dark else "rgb(179, 71, 29)")


def shown(page: Page) -> list[str]:
    """Return the ids of the claims that are shown."""
    rows: list[str] = page.evaluate(
        "[...document.querySelectorAll('table.claims tbody tr')]"
        ".filter((row) => row.checkVisibility()).map((row) => row.id)"
    )
    return rows


def test_claims_are_filtered_by_text_verdict_and_release(visit: Visit) -> None:
    """Alone and together, with the count said, and kept in the address."""
    page = visit.open(SKILL)
    assert len(shown(page)) == 12
    page.get_by_role("searchbox", name="Text").fill("ratio")
    assert shown(page) == ["claim-002", "claim-007"]
    expect(page.get_by_role("status")).to_have_text("2 of 12 claims are shown.")
    page.get_by_role("checkbox", name="refuted").check()
    assert shown(page) == ["claim-002"]
    page.get_by_role("combobox", name="Release").select_option("otp25")
    assert shown(page) == []
    expect(page.get_by_text("No claim fits the filter.")).to_be_visible()
    expect(page.get_by_role("columnheader", name="27")).to_be_hidden()
    page.get_by_role("combobox", name="Release").select_option("otp27")
    assert shown(page) == ["claim-002"]
    expect(page).to_have_url(re.compile(r"\?q=ratio&verdict=refuted&release=otp27$"))
    page.reload()
    assert shown(page) == ["claim-002"]
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("status")).to_have_text("All 12 claims are shown.")
    expect(page).to_have_url(f"{visit.site.as_uri()}/{SKILL}")
    assert visit.problems == []


def test_filters_work_by_keyboard_alone(visit: Visit) -> None:
    """The first stop skips to the content; text, chips and the list of releases are reached."""
    page = visit.open(SKILL)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.get_by_role("searchbox", name="Text").focus()
    page.keyboard.type("series")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile(r"\?q=series&verdict=refuted$"))
    assert shown(page) == []


def test_all_claims_are_searched_from_every_page(visit: Visit) -> None:
    """By keyboard alone; the address of a search can be kept; rivals and keys are found, too."""
    page = visit.open("beam-skill-b/claim-001.html")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search all claims")).to_be_focused()
    page.keyboard.type("old books 2")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search\.html\?q=old\+books\+2$"))
    results = page.get_by_role("main").get_by_role("listitem")
    expect(results.first).to_contain_text("contradicts: Belief 2 of old books.")
    field = page.get_by_role("searchbox", name="Search all claims")
    field.fill("slower_ratio")
    expect(results.first).to_contain_text("claim-002")
    expect(page).to_have_url(re.compile(r"\?q=slower_ratio$"))
    page.reload()
    expect(field).to_have_value("slower_ratio")
    results.first.get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/beam-skill-[ab]/claim-\d+\.html$"))
    page.go_back()
    field.fill("no such words anywhere")
    expect(page.get_by_role("status")).to_have_text("0 of 24 claims fit.")
    assert visit.problems == []


def test_two_runs_of_choice_stand_side_by_side(visit: Visit) -> None:
    """The last two at first; others by choice, with an address; from a verdict to its page."""
    page = visit.open("index.html")
    page.get_by_role("link", name="Any two of them side by side").click()
    status = page.get_by_role("status")
    expect(status).to_contain_text("4 verdicts")
    verdicts = page.get_by_role("region", name="Verdicts that differ")
    expect(verdicts.get_by_role("row").nth(1)).to_contain_text("claim-002@otp27")
    expect(verdicts.get_by_role("row").nth(1)).to_contain_text("predicted at least 2")
    figures = page.get_by_role("region", name="Figures that moved")
    expect(figures).to_contain_text("slower_ratio")
    page.get_by_role("combobox", name="Now").select_option("20261120T030000-aaaa")
    expect(status).to_have_text("This is one and the same run.")
    page.get_by_role("combobox", name="Before").select_option("20261121T030000-bbbb")
    expect(page).to_have_url(re.compile(r"\?old=20261121T030000-bbbb&new=20261120T030000-aaaa$"))
    page.reload()
    expect(verdicts.get_by_role("row").nth(1)).to_contain_text("claim-001@otp27")
    verdicts.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(r"/beam-skill-[ab]/claim-001\.html#claim-001@otp27$"))
    assert visit.problems == []


def test_axis_text_is_large_enough_on_a_telephone(visit: Visit) -> None:
    """At 390 pixels a chart is scaled down; its text must not be."""
    page = visit.open("beam-skill-a/claim-001.html")
    page.set_viewport_size({"width": 390, "height": 800})
    heights = page.evaluate(
        "[...document.querySelectorAll('.chart text')].map((text) => parseFloat("
        "getComputedStyle(text).fontSize) * text.ownerSVGElement.getScreenCTM().a)"
    )
    assert min(heights) >= 11


def test_a_link_to_a_cell_finds_its_row_even_behind_a_filter(visit: Visit) -> None:
    """The anchor `#claim@release` wins over what the filter hides, and is marked."""
    page = visit.open(f"{SKILL}?q=nothing-like-it#claim-011@otp27")
    assert "claim-011" in shown(page)
    expect(page.locator("[id='claim-011@otp27']")).to_be_in_viewport()
    page.goto(f"{visit.site.as_uri()}/beam-skill-a/claim-003.html#claim-003@otp27")
    target = page.locator(":target")
    expect(target).to_be_in_viewport()
    expect(target).to_contain_text("the probe crashed")


def test_one_can_walk_from_the_front_page_to_the_cell(visit: Visit) -> None:
    """Front page, what is refuted, the very release; and back by the crumbs."""
    page = visit.open("index.html")
    page.get_by_role("link", name="refuted").first.click()
    page.get_by_role("region", name="Not confirmed").get_by_role("link").first.click()
    expect(page).to_have_url(f"{visit.site.as_uri()}/beam-skill-a/claim-002.html#claim-002@otp27")
    page.get_by_role("navigation").get_by_role("link", name="beam-skill-a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("beam-skill-a")
    page.get_by_role("navigation").get_by_role("link", name="beamproof").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Erlang VM")
    assert visit.problems == []


def test_markup_in_evidence_does_nothing(visit: Visit) -> None:
    """A script in a probe's answer stays text, in the table, the log and the samples."""
    page = visit.open("beam-skill-a/claim-000.html")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.locator("main script, main b").count() == 0
    expect(page.get_by_text('<script>alert("evidence")</script>').first).to_be_visible()
    assert visit.problems == []


def test_folds_open_for_the_printer(visit: Visit, tmp_path: Path) -> None:
    """A page on paper has the numbers, the log and the samples, and no filter."""
    page = visit.open("beam-skill-a/claim-001.html")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page = visit.open(SKILL)
    page.emulate_media(media="print")
    expect(page.locator("form.filters")).to_be_hidden()
    page.pdf(path=tmp_path / "skill.pdf", format="A4")
    assert (tmp_path / "skill.pdf").read_bytes().startswith(b"%PDF")
    page.emulate_media(media="null")


def test_charts_can_be_read_without_seeing_them(visit: Visit) -> None:
    """Each is an image with a name, each point has its numbers, a table has all of them."""
    page = visit.open("beam-skill-a/claim-001.html")
    chart = page.get_by_role("img", name="receive (µs) by mailbox (count)")
    expect(chart).to_be_visible()
    assert str(chart.locator("circle title").first.text_content()).startswith("OTP 24: 4 → 1.")
    page.get_by_text("The numbers").first.click()
    table = page.get_by_role("table").filter(has_text="mailbox (count)").first
    assert table.get_by_role("row").count() == 13

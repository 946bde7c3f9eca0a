"""report.html in a real browser without network: every chart drawn, readable in light and dark, wide and narrow."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from automl.report import page as report
from tests.report.samples import SAMPLES, START

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
READABLE = 4.5
"""Least contrast of text, WCAG 2.2 success criterion 1.4.3."""

CONTRASTS = """() => {
  const channels = (color) => (color.match(/[\\d.]+/g) || []).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const background = (node) => {
    for (; node; node = node.parentElement) {
      const found = channels(getComputedStyle(node).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const node of document.querySelectorAll("h1,h2,h3,p,dt,dd,li,a,th,td,caption,summary,figcaption,text")) {
    const inCell = node.closest("#chart-confusion .annotation");  // its background is a cell: a unit test has it
    if (!node.textContent.trim() || node.closest(".skip") || inCell || !node.getClientRects().length) continue;
    const style = getComputedStyle(node);
    const [one, two] = [node.tagName === "text" ? style.fill : style.color, background(node)].map(
      (color) => luminance(Array.isArray(color) ? color : channels(color)));
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    found.push({ tag: node.tagName, text: node.textContent.trim().slice(0, 40), ratio });
  }
  return found;
}"""

DRAWN = """() => Object.fromEntries([...document.querySelectorAll(".plot")].map((plot) => [plot.id, {
  box: plot.querySelector("svg.main-svg")?.getBoundingClientRect().toJSON() ?? null,
  bars: [...plot.querySelectorAll(".barlayer .trace")].map((one) => one.querySelectorAll(".point path").length),
  dots: [...plot.querySelectorAll(".scatterlayer .trace")].map(
    (one) => one.querySelectorAll(".points path.point").length || one.querySelectorAll(".lines path").length),
  cells: [...plot.querySelectorAll(".heatmaplayer image")].map((one) => one.getBoundingClientRect().width),
}]))"""


@dataclass
class Opened:
    """A page of the report, and what the browser had to say about it."""

    page: Page
    figures: list[dict[str, Any]]
    complaints: list[str] = field(default_factory=list)

    def shows(self, scheme: str) -> None:
        self.page.wait_for_selector(f"html[data-scheme={scheme}]", timeout=60_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if not chromium:
        reason = "there is no chromium on this machine; Debian and Ubuntu have it as the package chromium"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    for name, sample in SAMPLES.items():
        run = sample()
        (folder / f"{name}.html").write_text(report.render(run.state, run.documents, START), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in SAMPLES}


Open = Callable[..., Opened]


@pytest.fixture
def opened(browser: Browser, reports: dict[str, Path]) -> Iterator[Open]:
    """Open a report and collect every error, warning, request and dialog; there must be none in the end."""
    pages: list[Opened] = []

    def open_report(name: str, scheme: str, width: int = 1200) -> Opened:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
            offline=True,
        )
        found = Opened(context.new_page(), [])
        address = reports[name].as_uri()
        page, told = found.page, found.complaints
        page.on("console", lambda message: told.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: told.append(f"error: {error}"))
        page.on("dialog", lambda dialog: told.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: None if request.url == address else told.append(f"request: {request.url}"))
        page.goto(address)
        found.shows(scheme)
        found.figures = json.loads(page.text_content("#figures") or "")["charts"]
        pages.append(found)
        return found

    yield open_report
    for one in pages:
        one.page.context.close()
        assert one.complaints == []


def check_contrast(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = page.evaluate(CONTRASTS)
    assert {"H1", "H2", "P"} <= {one["tag"] for one in found}
    assert [one for one in found if one["ratio"] < READABLE] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_every_chart_is_drawn_and_all_text_is_readable(opened: Open, name: str) -> None:
    found = opened(name, "light")
    drawn = found.page.evaluate(DRAWN)
    assert set(drawn) == {f"chart-{one['name']}" for one in found.figures}
    assert bool(drawn) == (name != "bare")
    for figure in found.figures:
        chart = drawn[f"chart-{figure['name']}"]
        traces = figure["data"]
        assert chart["box"]["width"] > 200, figure["name"]
        assert chart["box"]["height"] > 100, figure["name"]
        assert chart["bars"] == [len(one["x"]) for one in traces if one["type"] == "bar"], figure["name"]
        dots = [one for one in traces if one["type"] == "scatter"]
        assert chart["dots"] == [len(one["x"]) if "markers" in one["mode"] else 1 for one in dots], figure["name"]
        cells = [one for one in traces if one["type"] == "heatmap"]
        assert len(chart["cells"]) == len(cells), figure["name"]
        assert all(width > 100 for width in chart["cells"]), figure["name"]
        assert traces, figure["name"]
    check_contrast(found.page)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_phone_in_the_dark_shows_the_verdict_first_and_scrolls_only_down(opened: Open, name: str) -> None:
    page = opened(name, "dark", 375).page
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    title = page.locator("#verdict h1")
    assert title.is_visible()
    box = title.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 900
    background = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert max(background) < 64
    check_contrast(page)


def test_charts_follow_the_scheme_while_the_page_is_open(opened: Open) -> None:
    found = opened("classification", "light")
    ink = "getComputedStyle(document.querySelector('#chart-importance .ytick text')).fill"
    before = found.page.evaluate(ink)
    found.page.emulate_media(color_scheme="dark")
    found.shows("dark")
    assert found.page.evaluate(ink) != before
    check_contrast(found.page)
    found.page.emulate_media(color_scheme="light")
    found.shows("light")
    assert found.page.evaluate(ink) == before


def test_a_print_has_all_tables_and_charts_that_fit_the_paper(opened: Open) -> None:
    found = opened("classification", "dark")
    assert found.page.pdf(format="A4").startswith(b"%PDF")
    found.page.set_viewport_size({"width": 680, "height": 900})  # A4 without its margins
    found.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    found.page.emulate_media(media="print", color_scheme="dark")
    found.page.wait_for_function(
        "[...document.querySelectorAll('svg.main-svg')].every((one) => one.getBoundingClientRect().width <= 650)"
    )
    assert found.page.evaluate("[...document.querySelectorAll('details')].every((one) => one.open)")
    assert found.page.evaluate("document.documentElement.scrollWidth") == 680
    check_contrast(found.page)


def test_nothing_but_the_page_s_own_scripts_may_run(opened: Open) -> None:
    found = opened("classification", "light")
    page = found.page
    page.evaluate("""() => {
      window.violations = [];
      addEventListener("securitypolicyviolation", (event) => window.violations.push(event.effectiveDirective));
      const script = document.createElement("script");
      script.textContent = "window.intruder = true";
      document.body.append(script);
    }""")
    page.wait_for_function("window.violations.length > 0")
    assert page.evaluate("[window.intruder, window.violations]") == [None, ["script-src-elem"]]
    (refused,) = found.complaints
    assert "Executing inline script violates" in refused
    found.complaints.clear()

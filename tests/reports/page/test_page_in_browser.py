"""The page in a real browser: wide, narrow, dark, on paper, read aloud; nobody is asked for anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from docs.images.make import QUIET
from docs.images.make import browser as find_browser
from reports.ledger import Ledger
from reports.page.figures.report import last_months, report_of
from reports.page.telling.html import as_html
from reports.page.telling.teller import tell
from reports.planning.budgets import budgets_of
from reports.planning.outlook import look_ahead
from tests.reports.page.ledgers import MONTH, agency, awkward, one_month, row
from usage.language.choice import Language
from usage.language.words import Words
from usage.records.record import UsageRecord

WIDE: Final = 1280
NARROW: Final = 360
BUDGETS: Final = """
total = 5000
[provider]
openai = 300
[project]
"</script><b>no row has it" = 1
"""
WORLDS: Final[dict[str, Callable[[], Ledger]]] = {
    "agency": agency,
    "awkward": awkward,
    "nothing": one_month,
    "one row": lambda: one_month(row(UsageRecord(requests=1))),
}

pytestmark = pytest.mark.skipif(find_browser() is None, reason="there is neither Chromium nor Chrome on the path")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page for each world, and one in French."""
    folder, found = tmp_path_factory.mktemp("pages"), {}
    worlds = [*((name, make, Language.EN) for name, make in WORLDS.items()), ("French", agency, Language.FR)]
    for name, make, language in worlds:
        words, ledger = Words(language), make()
        outlook = look_ahead(ledger, MONTH, budgets_of({}, BUDGETS))
        report = report_of(ledger, last_months(MONTH, 12), by=("Client",), corrections=(), outlook=outlook)
        found[name] = folder / f"{name}.html"
        found[name].write_text(as_html(report, tell(report, words), words), "utf-8")
    return found


Open = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser, files: dict[str, Path]) -> Iterator[Open]:
    opened = []

    def open_(name: str, width: int = WIDE, *, dark: bool = False) -> Page:
        scheme: Literal["dark", "light"] = "dark" if dark else "light"
        page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        opened.append(page)
        page.goto(files[name].as_uri())
        return page

    yield open_
    for page in opened:
        page.close()


@pytest.mark.parametrize("name", [*WORLDS, "French"])
def test_no_page_has_to_be_pushed_sideways(open_page: Open, name: str) -> None:
    page = open_page(name)
    for details in page.locator("details").all():
        details.locator("summary").click()
    for width in (WIDE, 700, NARROW):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        # What is wider than the page lies in a place of its own that can be pushed.
        escaping = page.evaluate(
            """width => [...document.querySelectorAll("main *:not(.scroll *):not(svg *)")]
                .filter(one => one.getBoundingClientRect().right > width + 1).map(one => one.outerHTML.slice(0, 80))""",
            width,
        )
        assert escaping == []
        if width == WIDE:
            pushed = "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth).length"
            assert page.evaluate(pushed) == 0


@pytest.mark.parametrize(
    ("name", "width", "dark"),
    [
        *((name, WIDE, False) for name in (*WORLDS, "French")),
        ("agency", WIDE, True),
        ("awkward", NARROW, True),
        ("agency", NARROW, False),
    ],
)
def test_a_reader_finds_no_fault(open_page: Open, name: str, width: int, *, dark: bool) -> None:
    found = Axe().run(open_page(name, width, dark=dark))
    assert found.violations_count == 0, found.generate_report()


def test_dark_pages_are_dark_with_their_charts(open_page: Open) -> None:
    colours = """() => {
        const style = (selector, name) => getComputedStyle(document.querySelector(selector))[name];
        const swatch = style(".legend .swatch", "backgroundColor");
        return [style("body", "backgroundColor"), style(".wide text", "fill"), swatch];
    }"""
    light, dark = (open_page("agency", dark=dark).evaluate(colours) for dark in (False, True))
    assert brightness(light[0]) > 250
    assert brightness(dark[0]) < 40
    assert brightness(dark[1]) > brightness(light[1])
    assert all(one != other for one, other in zip(light, dark, strict=True))


def brightness(colour: str) -> int:
    return max(int(part) for part in re.findall(r"\d+", colour)[:3])


@pytest.mark.parametrize(("width", "shown"), [(WIDE, "wide"), (NARROW, "narrow")])
def test_a_chart_is_drawn_for_the_room_there_is(open_page: Open, width: int, shown: str) -> None:
    page = open_page("agency", width)
    for kind in ("wide", "narrow"):
        for chart in page.locator(f".chart.{kind}").all():
            assert chart.is_visible() is (kind == shown)
    # Letters of a chart are as large as they are meant to be.
    heights = page.evaluate(
        """kind => [...document.querySelectorAll(`.${kind} text`)].map(one => one.getBoundingClientRect().height)""",
        shown,
    )
    assert heights
    assert min(heights) > 9


def test_on_paper_everything_is_there(open_page: Open, tmp_path: Path) -> None:
    page = open_page("agency")
    content = page.pdf(prefer_css_page_size=True)
    sheets = len(re.findall(rb"/Type\s*/Page\b", content))
    assert 2 <= sheets <= 8
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 672, "height": 950})
    assert page.evaluate("document.documentElement.scrollWidth") <= 672
    assert brightness(page.evaluate("getComputedStyle(document.body).color")) < 40
    # The days are folded on a screen: on paper nobody can open them.
    assert page.get_by_role("row", name=re.compile("Jan 31, 2026")).is_visible()
    assert page.locator(".chart.wide").first.is_visible()


def test_on_paper_the_others_are_there_too(open_page: Open) -> None:
    page = open_page("awkward")
    page.emulate_media(media="print")
    assert page.locator("details tbody tr").last.is_visible()


def test_nobody_is_asked_for_anything(chromium: Browser, files: dict[str, Path]) -> None:
    page, asked, complaints = chromium.new_page(), list[str](), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(files["awkward"].as_uri())
    page.wait_for_load_state("networkidle")
    page.close()
    assert asked == [files["awkward"].as_uri()]
    assert complaints == []


def test_it_can_be_walked_through_with_the_keyboard(open_page: Open) -> None:
    page = open_page("agency", NARROW)
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
    page.keyboard.press("Enter")
    assert page.locator("#days details[open]").count() == 1

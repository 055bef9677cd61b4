"""Prefect's own pages, in a real browser: what a person ticks, reads and presses there.

The pictures of `docs/OPERATIONS.md` are renewed by

    python3 dev.py test tests/team/test_pages.py --pictures docs/images
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from docs.images.make import QUIET
from docs.images.make import browser as find_browser
from sandbox.faults import Fault, Kind
from tests.team.team import Team
from usage.names import ProviderName

PATIENCE = 60_000
"""Milliseconds: a run has to find a worker, which starts a process for it."""
REASON = "deepgram/prod: /projects refuse la clé (HTTP 401)"

Picture = Callable[[str], None]


@pytest.fixture(scope="module")
def page(team: Team) -> Iterator[Page]:
    """One tab for all tests; it asks nothing of the world outside."""
    program = find_browser()
    if program is None:
        pytest.skip("neither Chromium nor Chrome is installed")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        tab = browser.new_page(base_url=f"{team.url}/v2/", viewport={"width": 1400, "height": 1000}, timezone_id="UTC")
        tab.set_default_timeout(PATIENCE)
        tab.route(lambda url: not url.startswith(team.url), lambda route: route.abort())
        yield tab
        browser.close()


@pytest.fixture
def picture(page: Page, request: pytest.FixtureRequest) -> Picture:
    """Keep what the page shows as a picture, where pictures were asked for."""
    folder = request.config.getoption("--pictures")

    def take(name: str) -> None:
        if folder is not None:
            page.wait_for_load_state("networkidle")
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=True, animations="disabled")

    return take


def open_form(team: Team, page: Page) -> None:
    deployment = team.api("GET", "/deployments/name/collect/collect")["id"]
    page.goto(f"deployments/deployment/{deployment}/run")


def runs(team: Team) -> int:
    """Runs that were made by hand."""
    deployment = team.api("GET", "/deployments/name/collect/collect")["id"]
    where = {"deployments": {"id": {"any_": [deployment]}}}
    number: int = team.api("POST", "/flow_runs/count", where)
    return number


def test_the_form_has_the_providers_to_tick_and_refuses_a_month_that_is_none(
    team: Team, page: Page, picture: Picture
) -> None:
    open_form(team, page)
    page.get_by_role("button", name="Select ProviderName").click()
    expect(page.get_by_role("option")).to_have_text([str(name) for name in ProviderName])
    page.get_by_role("option", name="deepgram").click()
    page.keyboard.press("Escape")
    for described in ("In UTC, like 2026-01", "Only these.", "Only this account", "Say what would be written"):
        expect(page.get_by_text(described)).to_be_visible()

    page.get_by_label("Month").fill("2026-13")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("'2026-13' does not match").first).to_be_visible()
    picture("run-form")
    assert runs(team) == 0
    assert team.sandbox.journal.requests() == []


def test_a_red_run_says_why_and_is_retried_with_a_button(team: Team, page: Page, picture: Picture) -> None:
    team.sandbox.faults.add(Fault(api="deepgram", kind=Kind.STATUS, status=401, times=-1))
    open_form(team, page)
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("link", name="View run").click()
    expect(page.get_by_role("main").get_by_text("Failed", exact=True).first).to_be_visible()
    # As whoever opens it the next morning.
    page.reload()
    page.get_by_role("tab", name="Details").click()
    expect(page.get_by_role("tabpanel").get_by_text(REASON)).to_be_visible()
    picture("red-run")

    team.sandbox.faults.clear()
    page.get_by_role("button", name="Open menu").click()
    page.get_by_role("menuitem", name="Retry").click()
    page.get_by_role("alertdialog").or_(page.get_by_role("dialog")).get_by_role("button", name="Retry").click()
    expect(page.get_by_role("main").get_by_text("Completed", exact=True).first).to_be_visible()
    assert runs(team) == 1


def test_the_report_shows_its_chart(team: Team, page: Page, picture: Picture) -> None:
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_role("link", name=re.compile("report-2026-01.*Succes")).click()
    expect(page.get_by_role("heading", name="2026-01: Succes")).to_be_visible()
    for provider in ProviderName:
        expect(page.get_by_role("row", name=str(provider)).first).to_be_visible()
    chart = page.get_by_alt_text("Cost by service and month")
    expect(chart).to_be_visible()
    # A picture that could not be drawn has no size of its own.
    assert chart.evaluate("image => image.naturalWidth") > 0
    picture("report")

"""Prefect's own pages, in a real browser: what a person ticks, reads and presses there.

The pictures of `docs/OPERATIONS.md` are renewed by

    python3 dev.py test tests/team/test_pages.py --pictures docs/images
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from docs.images.make import QUIET
from docs.images.make import browser as find_browser
from sandbox.faults import Fault, Kind
from tests.team.processes import until
from tests.team.team import Team
from usage.names import ProviderName

PATIENCE: Final = 120_000
"""Milliseconds after which something is wrong; whatever is waited for is looked at all the time."""
TIMES: Final = 5
"""How often somebody loads a page that can't be loaded."""
ALONE: Final = ("--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
"""Flags of a browser that finds nobody but this machine."""
REASON = "deepgram/prod: /projects refuses the key (HTTP 401)"

WIDTH: Final = 1400
HEIGHT: Final = 1000
TALLEST: Final = 1800
"""Pixels of a page that a picture shows: what is below would make the rest too small to read."""
RED: Final = """async png => {
    const image = new Image();
    image.src = `data:image/png;base64,${png}`;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
    canvas.drawImage(image, 0, 0);
    const data = canvas.getImageData(0, 0, image.width, image.height).data;
    let red = 0;
    for (let i = 0; i < data.length; i += 4) red += data[i] > 180 && data[i + 1] < 60 && data[i + 2] < 90;
    return red;
}"""
"""Counts the red pixels of a picture."""


class Picture(Protocol):
    """Keeps what the page shows as a picture, under a name, where pictures were asked for."""

    def __call__(self, name: str, drawn: Callable[[], bool] = lambda: True) -> None: ...


class Person:
    """Somebody at a browser, in one tab.

    Prefect's newer pages ask the server once. When one of the answers that they need is an error, or does not come, as
    on a busy machine, they say "Retrying in 4s" for ever and ask no more; and they forget who has logged in. A person
    loads the page again.

    Args:
        page: The tab.
        word: The server's authentication string.
    """

    def __init__(self, page: Page, word: str) -> None:
        self.page, self._word = page, word
        self._field = page.get_by_placeholder("admin:pass")
        self._refused = page.get_by_text("Invalid credentials")
        self._failed = page.get_by_text(re.compile("^Retrying in"))

    def open(self, address: str, sign: Locator) -> None:
        """Open a page and wait until it shows what it is opened for; log in where that is asked for."""
        self.page.goto(address)
        for _ in range(TIMES):
            expect(sign.or_(self._field).or_(self._failed).first).to_be_visible()
            if self._field.is_visible():
                self._field.fill(self._word)
                self.page.get_by_role("button", name="Login").click()
                expect(sign.or_(self._refused).or_(self._failed).first).to_be_visible()
            if sign.is_visible():
                return
            self.page.goto(address)
        pytest.fail(f"{address} can't be loaded: {self.page.locator('body').inner_text()}")


@pytest.fixture(scope="module")
def person(team: Team) -> Iterator[Person]:
    """One tab for all tests."""
    program = find_browser()
    if program is None:
        pytest.skip("neither Chromium nor Chrome is installed")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*QUIET, *ALONE])
        tab = browser.new_page(base_url=f"{team.url}/v2/", timezone_id="UTC")
        tab.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        tab.set_default_timeout(PATIENCE)
        yield Person(tab, team.word)
        browser.close()


@pytest.fixture
def page(person: Person) -> Page:
    return person.page


@pytest.fixture
def picture(page: Page, request: pytest.FixtureRequest) -> Picture:
    folder = request.config.getoption("--pictures")

    def take(name: str, drawn: Callable[[], bool] = lambda: True) -> None:
        if folder is None:
            return
        page.wait_for_load_state("networkidle")
        # All of it is in the window: what is fixed there would float over the middle of a longer picture.
        whole: int = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": WIDTH, "height": min(whole, TALLEST)})
        until(drawn, PATIENCE / 1000)
        page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT})

    return take


def red_is_drawn(page: Page) -> bool:
    """Whether the time line of a run, which no test can read, shows what is red."""
    picture = base64.b64encode(page.locator("canvas").first.screenshot()).decode()
    red: int = page.evaluate(RED, picture)
    return red > WIDTH


def open_form(team: Team, person: Person) -> None:
    deployment = team.api("GET", "/deployments/name/collect/collect")["id"]
    run = person.page.get_by_role("button", name="Run", exact=True)
    person.open(f"deployments/deployment/{deployment}", run)
    run.click()
    person.page.get_by_role("menuitem", name="Custom run").click()
    expect(submit(person.page)).to_be_visible()


def submit(page: Page) -> Locator:
    return page.get_by_role("button", name="Submit")


def open_run(person: Person, run: str) -> None:
    person.open(f"runs/flow-run/{run}", person.page.get_by_role("tab", name="Details"))


def run_of(page: Page) -> str:
    """Id of the run whose page is shown."""
    page.wait_for_url(re.compile(RUN))
    found = re.search(RUN, page.url)
    assert found is not None
    return found[1]


RUN: Final = r"/v2/runs/flow-run/([0-9a-f-]{36})"


def state(page: Page, name: str) -> Locator:
    return page.get_by_role("main").get_by_text(name, exact=True).first


def runs(team: Team) -> int:
    """Runs that were made by hand."""
    deployment = team.api("GET", "/deployments/name/collect/collect")["id"]
    where = {"deployments": {"id": {"any_": [deployment]}}}
    number: int = team.api("POST", "/flow_runs/count", where)
    return number


def test_whoever_opens_the_address_logs_in_and_sees_the_design_of_the_guide(team: Team, person: Person) -> None:
    person.open(team.url, person.page.get_by_text("Active Work Pools"))
    assert person.page.url.startswith(f"{team.url}/v2/dashboard")


def test_the_form_has_the_providers_to_tick_and_refuses_a_month_that_is_none(
    team: Team, person: Person, page: Page, picture: Picture
) -> None:
    open_form(team, person)
    page.get_by_role("button", name="Select ProviderName").click()
    expect(page.get_by_role("option")).to_have_text([str(name) for name in ProviderName])
    page.get_by_role("option", name="deepgram").click()
    page.keyboard.press("Escape")
    for described in ("In UTC, like 2026-01", "Only these.", "Only this account", "Say what would be written"):
        expect(page.get_by_text(described)).to_be_visible()

    month = page.get_by_role("tabpanel", name="Choose")
    expect(month).to_contain_text("last")
    page.get_by_role("tab", name="Write a month").click()
    page.get_by_role("tabpanel", name="Write a month").get_by_role("textbox").fill("2026-13")
    submit(page).click()
    expect(page.get_by_text("'2026-13' does not match").first).to_be_visible()
    picture("run-form")
    assert runs(team) == 0
    assert team.sandbox.journal.requests() == []


def test_a_red_run_says_why_and_is_retried_with_a_button(
    team: Team, person: Person, page: Page, picture: Picture
) -> None:
    before = runs(team)
    team.sandbox.faults.add(Fault(api="deepgram", kind=Kind.STATUS, status=401, times=-1))
    open_form(team, person)
    submit(page).click()
    page.get_by_role("link", name="View run").click()
    run = run_of(page)
    assert team.ended(run)["state_type"] == "FAILED"
    # As whoever opens it the next morning.
    open_run(person, run)
    expect(state(page, "Failed")).to_be_visible()
    page.get_by_role("tab", name="Details").click()
    expect(page.get_by_role("tabpanel").get_by_text(REASON)).to_be_visible()
    picture("red-run", drawn=lambda: red_is_drawn(page))

    team.sandbox.faults.clear()
    page.get_by_role("button", name="Open menu").click()
    page.get_by_role("menuitem", name="Retry").click()
    page.get_by_role("alertdialog").or_(page.get_by_role("dialog")).get_by_role("button", name="Retry").click()
    team.reached(run, "COMPLETED")
    open_run(person, run)
    expect(state(page, "Completed")).to_be_visible()
    assert runs(team) == before + 1


def test_the_report_shows_its_chart(team: Team, person: Person, page: Page, picture: Picture) -> None:
    run = team.start("collect", month="2026-01")
    assert team.ended(run)["state_type"] == "COMPLETED"
    open_run(person, run)
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_role("link", name=re.compile("report-2026-01.*Success")).click()
    expect(page.get_by_role("heading", name="2026-01: Success")).to_be_visible()
    for provider in ProviderName:
        expect(page.get_by_role("row", name=str(provider)).first).to_be_visible()
    chart = page.get_by_alt_text("Cost by service and month")
    expect(chart).to_be_visible()
    # A picture that could not be drawn has no size of its own.
    assert chart.evaluate("image => image.naturalWidth") > 0
    picture("report")

"""The months of a backfill: read together they say what they say alone, for fewer requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import parse_qsl

import pytest

from providers.openai.endpoints import FAMILIES
from providers.reading import BackfillMemory, read_source
from providers.shared.patience import Retry
from sandbox.faults import Fault, Kind
from sandbox.openai import OpenAIApi
from sandbox.server import Server
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.outcomes.report import SourceReport
from usage.settings import load_settings

NOW = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
YEAR = list(Month(2025, 1).until(Month(2025, 12)))
SOURCE = Source(provider=ProviderName.OPENAI, account="memoways")
COSTS, PROJECTS = "/organization/costs", "/organization/projects"


class Clock(Protocol):
    """See the fixture `clock`."""

    seconds: float


class World:
    """The stand-in, and a clock that goes on by a minute with each month that is read."""

    def __init__(self, retry: Retry) -> None:
        self.moment, self._retry = NOW, retry
        self.api = OpenAIApi(lambda: self.moment)
        self.server = Server([self.api])

    def read(self, month: Month, memory: BackfillMemory | None, **more: str) -> SourceReport:
        now = {"LLM_USAGE_NOW": self.moment.isoformat()}
        self.moment += timedelta(minutes=1)
        settings = load_settings(self.server.environment() | now | more, ())
        return asyncio.run(read_source(settings, SOURCE, month, retry=self._retry, memory=memory))

    def alone(self, months: list[Month], **more: str) -> list[SourceReport]:
        return [self.read(month, None, **more) for month in months]

    def together(self, months: list[Month], **more: str) -> list[SourceReport]:
        self.server.journal.clear()
        memory = BackfillMemory({ProviderName.OPENAI: months})
        return [self.read(month, memory, **more) for month in months]

    def asked(self, path: str) -> int:
        return len(self.server.journal.requests(path=path))


@pytest.fixture
def world(retry: Retry) -> Iterator[World]:
    world = World(retry)
    with world.server:
        yield world


def said(reports: list[SourceReport]) -> list[SourceReport]:
    """The reports without what is about the reading itself."""
    return [report.model_copy(update={"read_at": NOW, "pages": 0, "requests": 0}) for report in reports]


def test_a_year_says_the_same_for_fewer_requests(world: World) -> None:
    reports = world.together(YEAR)
    # 365 days in pages of 180, by key and in all.
    assert (world.asked(COSTS), world.asked(PROJECTS)) == (3 + 3, 1)
    assert said(reports) == said(world.alone(YEAR))


def test_figures_are_as_old_as_the_first_reading(world: World) -> None:
    reports = world.together(YEAR[:3])
    assert {report.read_at for report in reports} == {NOW}
    assert [report.read_at for report in world.alone(YEAR[:2])] == [NOW + timedelta(minutes=m) for m in (3, 4)]


def test_a_month_that_is_missing_in_between_cuts_the_range(world: World) -> None:
    months = [*YEAR[:2], *YEAR[3:5], YEAR[8]]
    reports = world.together(months)
    # Two ranges and a month, by key and in all.
    assert world.asked(COSTS) == 2 * 3
    assert said(reports) == said(world.alone(months))


def test_the_running_month_is_read_alone(world: World) -> None:
    months = list(Month(2025, 12).until(Month(2026, 2)))
    reports = world.together(months)
    assert [report.data_until is None for report in reports] == [True, True, False]
    ends = {dict(pairs)["end_time"] for pairs in queries(world)}
    # February as far as it goes, tomorrow's midnight included.
    assert ends == {stamp(2026, 2, 1), stamp(2026, 2, 15)}


@pytest.mark.parametrize(
    ("refused", "status"),
    [
        (lambda query, _: query["limit"] == "180", Status.SUCCES),
        # The first month is out of reach, and so is every range that begins with it.
        (lambda query, _: query["start_time"] == stamp(2025, 1, 1), Status.DONNEES_INDISPONIBLES),
    ],
)
def test_a_range_that_is_refused_is_read_month_by_month(
    world: World, refused: Callable[[Any, bytes], bool], status: Status
) -> None:
    alone = said(world.alone(YEAR[:4]))
    world.server.faults.add(Fault("openai", Kind.STATUS, path=COSTS, status=400, when=refused, times=-1))
    reports = world.together(YEAR[:4])
    assert said(reports)[1:] == alone[1:]
    assert reports[0].status is status
    assert all(report.control is not None and report.control.agrees for report in reports[1:])


@pytest.mark.parametrize(("kind", "times"), [(Kind.STATUS, 5), (Kind.HTML, 1)])
def test_trouble_with_a_range_costs_no_detail(world: World, kind: Kind, times: int) -> None:
    def by_key_of_the_range(query: Any, _: bytes) -> bool:
        return "api_key_id" in str(query.get("group_by[]")) and query["limit"] == "180"

    world.server.faults.add(Fault("openai", kind, path=COSTS, when=by_key_of_the_range, times=times))
    reports = world.together(YEAR[:3], OPENAI_GRAIN="api_key")
    assert [report.coarse for report in reports] == [False] * 3
    assert said(reports) == said(world.alone(YEAR[:3], OPENAI_GRAIN="api_key"))


def test_an_account_without_costs_by_key(world: World) -> None:
    def by_key(query: Any, _: bytes) -> bool:
        return "api_key_id" in str(query.get("group_by[]"))

    world.server.faults.add(Fault("openai", Kind.STATUS, path=COSTS, status=400, when=by_key, times=-1))
    assert said(world.together(YEAR[:3])) == said(world.alone(YEAR[:3]))


def test_a_month_that_disagrees_is_read_alone_before_it_is_believed(world: World) -> None:
    def shifted(body: Any) -> Any:
        first = next(bucket for bucket in body["data"] if bucket["results"])
        first["results"][0]["amount"]["value"] += 5
        return body

    def of_the_range(query: Any, _: bytes) -> bool:
        return "line_item" in str(query.get("group_by[]")) and query["limit"] == "180"

    world.server.faults.add(Fault("openai", Kind.REWRITE, path=COSTS, rewrite=shifted, when=of_the_range))
    reports = world.together(YEAR[:3])
    # The range by key and in all; January once more, in both ways.
    assert world.asked(COSTS) == 4
    assert [report.status for report in reports] == [Status.SUCCES] * 3
    # The server of the tests rewrites answers through floats.
    costs = [[report.control and report.control.summed for report in read] for read in (reports, world.alone(YEAR[:3]))]
    assert costs[0] == pytest.approx(costs[1])


def queries(world: World) -> list[list[tuple[str, str]]]:
    return [parse_qsl(request.query) for request in world.server.journal.requests(path=COSTS)]


def stamp(year: int, month: int, day: int) -> str:
    return str(int(datetime(year, month, day, tzinfo=UTC).timestamp()))


@pytest.mark.parametrize("grain", ["project", "api_key"])
def test_keys_that_are_told_from_a_day_on_stay_for_the_months_after_it(world: World, grain: str) -> None:
    world.api.keys_since = datetime(2025, 3, 6, tzinfo=UTC)
    reports = world.together(YEAR[:5], OPENAI_GRAIN=grain)
    assert not any(report.coarse for report in reports)
    divided = [any(record.allocated for record in report.records) for report in reports]
    assert divided == ([True] * 3 + [False] * 2 if grain == "api_key" else [False] * 5)
    told = [[remark for remark in report.remarks if "par clé" in remark.fr] for report in reports]
    assert [len(remarks) for remarks in told] == ([1, 1, 1, 0, 0] if grain == "api_key" else [0] * 5)
    # By key (refused), by key and by project on either side of that day, and in all.
    assert world.asked(COSTS) == 4
    assert said(reports) == said(world.alone(YEAR[:5], OPENAI_GRAIN=grain))
    assert all(report.control is not None and report.control.agrees for report in reports)
    assert [report.days_read for report in reports] == [month.days for month in YEAR[:5]]


def test_months_that_the_reports_do_not_reach_take_nothing_from_the_others(world: World) -> None:
    day = date(2025, 3, 11)
    world.api.lookback = dict.fromkeys([COSTS, *(family.path for family in FAMILIES)], day)
    reports = world.together(YEAR[1:5])
    assert [report.status for report in reports] == [Status.DONNEES_INDISPONIBLES] * 2 + [Status.SUCCES] * 2
    assert not any(report.missing for report in reports)
    assert [report.days_read for report in reports] == [None, 21, 30, 31]
    assert said(reports) == said(world.alone(YEAR[1:5]))


def test_a_range_that_comes_short_is_read_month_by_month(world: World) -> None:
    def short(body: Any) -> Any:
        return body | {"data": body["data"][:31], "has_more": False, "next_page": None}

    def of_the_range(query: Any, _: bytes) -> bool:
        return bool(query["limit"] == "180")

    world.server.faults.add(Fault("openai", Kind.REWRITE, path=COSTS, rewrite=short, when=of_the_range, times=-1))
    reports = world.together(YEAR[:3])
    assert [(report.status, report.days_read) for report in reports] == [(Status.SUCCES, m.days) for m in YEAR[:3]]
    alone = world.alone(YEAR[:3])
    totals = [[report.control and report.control.summed for report in read] for read in (reports, alone)]
    # The server of the tests rewrites answers through floats.
    assert totals[0] == pytest.approx(totals[1])


def test_a_month_that_is_limited_slows_down_the_others(world: World, clock: Clock) -> None:
    """The months of one key share its pace."""
    world.server.faults.add(
        Fault("openai", Kind.STATUS, path=PROJECTS, status=429, headers={"Retry-After": "90"}, times=1)
    )
    reports = world.together(YEAR[:2])
    assert [report.status for report in reports] == [Status.SUCCES] * 2
    assert clock.seconds >= 90

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from providers.base import Verdict
from providers.http import Retry
from providers.openai.endpoints import FAMILIES
from providers.reading import check_source, read_source
from sandbox.faults import Fault, Kind
from sandbox.openai import OpenAIApi
from sandbox.openai.world import Account, Fact
from sandbox.server import Server
from usage.errors import CredentialError, RefusedError, TransientError
from usage.grain import NO_API_KEY, NO_PROJECT
from usage.money import exact_sum
from usage.month import Month
from usage.names import Grain, ProviderName, Source, Status
from usage.outcome import UsageRow
from usage.report import GapKind, SourceReport
from usage.rows import Reading, aggregate
from usage.settings import Settings, load_settings

NOW = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
JANUARY, FEBRUARY = Month(2026, 1), Month(2026, 2)
SOURCE = Source(provider=ProviderName.OPENAI, account="memoways")
COSTS, PROJECTS = "/organization/costs", "/organization/projects"

Read = Callable[..., SourceReport]


class World:
    """The stand-in behind a server, its first organisation, and the clock of both sides."""

    def __init__(self) -> None:
        self.moment = NOW
        self.api = OpenAIApi(lambda: self.moment)
        self.server = Server([self.api])

    @property
    def account(self) -> Account:
        return self.api.accounts[0]

    def settings(self, **more: str) -> Settings:
        now = {"LLM_USAGE_NOW": self.moment.isoformat()}
        return load_settings(self.server.environment() | now | more, None)

    def paths(self) -> list[str]:
        return [request.path for request in self.server.journal.requests()]

    def queries(self, path: str) -> list[list[tuple[str, str]]]:
        return [parse_qsl(request.query) for request in self.server.journal.requests(path=path)]


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    with world.server:
        yield world


@pytest.fixture
def read(world: World, retry: Retry) -> Read:
    def run(month: Month = JANUARY, source: Source = SOURCE, **more: str) -> SourceReport:
        world.server.journal.clear()
        return asyncio.run(read_source(world.settings(**more), source, month, retry=retry))

    return run


def rows_of(report: SourceReport, grain: Grain = Grain.PROJECT) -> dict[str, UsageRow]:
    return {row.key: row for row in aggregate([Reading(report, grain, "memoways")])[report.source]}


def matches_bill(world: World, report: SourceReport, month: Month) -> None:
    rows = rows_of(report)
    bill = world.api.bill(world.account, str(month))
    assert set(rows) == {row.key or NO_PROJECT for row in bill.rows}
    for expected in bill.rows:
        totals = rows[expected.key or NO_PROJECT].totals
        assert totals.cost == expected.cost
        figures = (totals.tokens_input, totals.tokens_output, totals.requests)
        assert figures == (expected.tokens_input, expected.tokens_output, expected.requests)


def models(row: UsageRow) -> dict[str, Decimal | None]:
    return {entry.name: entry.cost for entry in row.breakdown}


# The month


def test_models_and_items_cost_what_the_bill_says(world: World, read: Read) -> None:
    rows = rows_of(read())
    for expected in world.api.bill(world.account, "2026-01").rows:
        found = models(rows[expected.key or NO_PROJECT])
        # What was used and never billed has no cost, and what was billed keeps its name.
        assert {name: cost for name, cost in found.items() if cost is not None} == {
            name: cost for name, cost in expected.models.items() if cost is not None
        }
        assert {name for name, cost in expected.models.items() if cost is None} <= set(found)


@pytest.mark.parametrize("amounts", ["number", "text", "mixed"])
def test_control_total(world: World, read: Read, amounts: Any) -> None:
    world.api.amounts = amounts
    report = read()
    assert report.control is not None
    assert report.control.agrees
    assert report.control.total == report.control.summed == world.api.bill(world.account, "2026-01").total
    matches_bill(world, report, JANUARY)


def test_which_requests_are_sent(world: World, read: Read) -> None:
    report = read()
    assert sorted(world.paths()) == sorted([COSTS, COSTS, PROJECTS, *(family.path for family in FAMILIES)])
    assert (report.requests, report.pages) == (14, 14)
    grouped, ungrouped = world.queries(COSTS)
    assert ("group_by[]", "line_item") in grouped
    assert not [name for name, _ in ungrouped if name == "group_by[]"]
    span = {"start_time": "1767225600", "end_time": "1769904000", "limit": "31", "bucket_width": "1d"}
    assert all(span.items() <= dict(query).items() for query in world.queries("/organization/usage"))


def test_requests_fit_the_published_description(world: World, read: Read, shared: Path) -> None:
    spec = json.loads((shared / "specs" / "openai.json").read_text())
    world.api.page_size = 20
    read(OPENAI_GRAIN="api_key")
    for request in world.server.journal.requests():
        if request.path == "/organization/usage/decisions":
            continue  # newer than the description
        path = re.sub(r"(projects)/[^/]+", r"\1/{project_id}", request.path)
        known = {parameter["name"]: parameter["schema"] for parameter in spec["paths"][path]["get"]["parameters"]}
        for name, value in parse_qsl(request.query):
            if (path, name) == (f"{PROJECTS}/{{project_id}}/api_keys", "owner_project_access"):
                continue  # newer than the description
            schema = known[name.removesuffix("[]")]
            assert value in schema.get("items", {}).get("enum", [value])
            assert value in schema.get("enum", [value])


# Pages


@pytest.mark.parametrize("size", [1, 30])
def test_small_pages(world: World, read: Read, size: int) -> None:
    world.api.page_size = size
    matches_bill(world, read(), JANUARY)


def test_days_that_fill_several_pages(world: World, read: Read) -> None:
    facts = world.account.facts("2026-01")
    facts[:] = [fact for fact in facts if fact.at.day in (1, 31)]
    world.api.page_size, world.api.rows_per_bucket = 1, 3
    report = read()
    matches_bill(world, report, JANUARY)
    assert report.empty_proven
    assert report.control is not None
    assert report.control.agrees


def test_registry_without_last_ids(world: World, read: Read) -> None:
    world.api.page_size, world.api.last_ids = 4, False
    assert {thing.id for thing in read().things} == {project.id for project in world.account.projects}


# Names


def test_names(world: World, read: Read) -> None:
    rows = rows_of(read())
    for project in world.account.projects:
        if project.id in rows:
            assert rows[project.id].name == (project.name or project.id)
    assert rows[NO_PROJECT].name == NO_PROJECT


def test_a_key_without_the_registry_gives_ids_and_a_remark(world: World, read: Read) -> None:
    report = read(OPENAI_ADMIN_KEY_MEMOWAYS=world.account.limited_key)
    matches_bill(world, report, JANUARY)
    assert report.status is Status.SUCCES
    assert report.things == ()
    assert report.remarks[0].startswith("Les noms n’ont pas tous pu être lus")
    assert all(row.name == row.key for row in rows_of(report).values())


def test_names_of_projects_stay_where_those_of_keys_can_not_be_read(world: World, read: Read) -> None:
    world.server.faults.add(Fault("openai", Kind.STATUS, path="/api_keys$", status=403, times=-1))
    report = read(OPENAI_GRAIN="api_key")
    assert {thing.id for thing in report.things} == {project.id for project in world.account.projects}
    assert report.remarks
    assert report.status is Status.SUCCES


# By API key


def test_rows_by_key(world: World, read: Read) -> None:
    report = read(OPENAI_GRAIN="api_key")
    rows = aggregate([Reading(report, Grain.API_KEY, "memoways")])[SOURCE]
    facts = world.account.facts("2026-01")
    costs: dict[tuple[str, str], list[Decimal | None]] = {}
    for fact in facts:
        # Storage and sessions are not told by key.
        costs.setdefault((fact.api_key_id or NO_API_KEY, fact.project_id or ""), []).append(fact.amount)
    found = {(row.key, row.workspace): row.totals.cost for row in rows}
    assert found == {key: exact_sum(amounts) for key, amounts in costs.items() if key in found}
    assert exact_sum(found.values()) == world.api.bill(world.account, "2026-01").total
    names = {key.id: key.name for key in world.account.keys}
    for row in rows:
        assert row.name == (names.get(row.key) or row.key)


def test_keys_of_people_who_left_and_of_deleted_projects(world: World, read: Read) -> None:
    report = read(OPENAI_GRAIN="api_key")
    left = next(key for key in world.account.keys if key.owner_access == "inactive")
    assert left.id in {thing.id for thing in report.things}
    assert report.remarks == ()
    paths = [path for path in world.paths() if path.endswith("/api_keys")]
    worked_with_keys = {
        fact.project_id for fact in world.account.facts("2026-01") if fact.project_id and fact.api_key_id
    }
    assert {path.split("/")[3] for path in paths} == worked_with_keys
    assert len(paths) == len(worked_with_keys)


@pytest.mark.parametrize("grain", Grain)
def test_an_account_that_refuses_costs_by_key(world: World, read: Read, grain: Grain) -> None:
    world.api.costs_by_key = False
    report = read(OPENAI_GRAIN=grain.value)
    matches_bill(world, report, JANUARY)
    assert report.coarse is (grain is Grain.API_KEY)
    assert report.status is Status.SUCCES
    assert report.requests == 15 + (grain is Grain.API_KEY) * len([p for p in world.paths() if "api_keys" in p])
    if report.coarse:
        assert all(row.key in (row.workspace, NO_PROJECT) for row in rows_of(report, grain).values())


# What is not offered, refused or missing


def test_families_that_do_not_exist_are_no_gap(world: World, read: Read) -> None:
    world.api.absent = {"/organization/usage/decisions", "/organization/usage/vector_stores"}
    report = read()
    assert (report.status, report.gaps) == (Status.SUCCES, ())
    total = world.api.bill(world.account, "2026-01").total
    assert exact_sum(record.cost for record in report.records) == total


def test_costs_that_do_not_exist_are_not_available(world: World, read: Read) -> None:
    world.api.absent = {COSTS}
    report = read()
    assert report.status is Status.DONNEES_INDISPONIBLES
    assert [gap.kind for gap in report.gaps] == [GapKind.UNAVAILABLE]
    assert report.control is None
    assert all(row.totals.cost is None for row in rows_of(report).values())


def test_one_family_that_fails_is_a_gap(world: World, read: Read) -> None:
    world.server.faults.add(Fault("openai", Kind.STATUS, path="/images$", status=500, times=-1))
    report = read()
    assert report.status is Status.PARTIEL
    assert report.missing == ("Il manque les images : /organization/usage/images est en panne ou occupé (HTTP 500).",)
    assert report.gaps[0].passing


def test_costs_refused_by_scope(world: World, read: Read) -> None:
    world.api.forbidden = {COSTS}
    report = read()
    assert report.status is Status.PARTIEL
    assert "les coûts" in report.missing[0]
    assert "api.usage.read" in report.missing[0]
    assert not report.gaps[0].passing
    assert sum(record.requests or 0 for record in report.records) > 0


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("terse", [True, False])
def test_keys_of_another_kind(world: World, read: Read, status: Any, terse: bool) -> None:
    world.api.wrong_kind_status, world.api.terse_errors = status, terse
    for key in (world.account.project_key, world.account.expired_key, world.account.registry_key):
        with pytest.raises(CredentialError, match="clé d’administration"):
            read(OPENAI_ADMIN_KEY_MEMOWAYS=key)
        assert key not in world.server.journal.requests()[0].query
        assert len(world.paths()) == 12


def test_an_old_month_is_out_of_reach(world: World, read: Read) -> None:
    world.api.earliest = datetime(2025, 10, 1, tzinfo=UTC)
    report = read(Month(2025, 9))
    assert report.status is Status.DONNEES_INDISPONIBLES
    assert report.records == ()
    assert not report.empty_proven
    assert "OpenAI ne donne plus 2025-09" in report.gaps[0].sentence
    matches_bill(world, read(Month(2025, 10)), Month(2025, 10))


def test_a_recent_month_that_is_refused_is_a_failure(world: World, read: Read) -> None:
    world.api.earliest = datetime(2026, 1, 2, tzinfo=UTC)
    with pytest.raises(RefusedError):
        read()


def test_missing_amounts(world: World, read: Read) -> None:
    def lose(body: Any) -> Any:
        for bucket in body["data"][:2]:
            bucket["results"][0]["amount"] = None
        return body

    world.server.faults.add(Fault("openai", Kind.REWRITE, path=COSTS, rewrite=lose, times=-1))
    report = read()
    assert report.missing_amounts == 2
    assert report.status is Status.PARTIEL
    assert Status.PARTIEL in {row.status for row in rows_of(report).values()}


def test_another_currency_is_not_counted_as_dollars(world: World, read: Read) -> None:
    def exchange(body: Any) -> Any:
        body["data"][0]["results"][0]["amount"] = {"value": 1000.5, "currency": "eur"}
        return body

    facts = world.account.facts("2026-01")
    only = replace(next(fact for fact in facts if fact.amount is not None), at=JANUARY.start)
    facts[:] = [only, *(fact for fact in facts if fact.at.day > 1)]
    world.server.faults.add(Fault("openai", Kind.REWRITE, path=COSTS, rewrite=exchange, times=-1))
    report = read()
    assert report.status is Status.DONNEES_INDISPONIBLES
    assert "EUR" in report.gaps[0].sentence
    assert ("cost_eur", Decimal("1000.5")) in [unit for record in report.records for unit in record.units]
    assert (exact_sum(record.cost for record in report.records) or 0) < 1000


# Control totals


def shift(cents: int) -> Callable[[Any], Any]:
    def rewrite(body: Any) -> Any:
        next(b for b in body["data"] if b["results"])["results"][0]["amount"]["value"] += cents / 100
        return body

    return rewrite


def ungrouped(query: Any, _: bytes) -> bool:
    return "group_by[]" not in query


def test_a_mismatch_is_read_again_before_it_is_believed(world: World, read: Read) -> None:
    world.server.faults.add(Fault("openai", Kind.REWRITE, path=COSTS, rewrite=shift(5), when=ungrouped))
    report = read()
    assert report.control is not None
    assert report.control.agrees
    assert report.status is Status.SUCCES
    assert report.requests == 16


def test_a_lasting_mismatch_is_partial(world: World, read: Read) -> None:
    world.server.faults.add(Fault("openai", Kind.REWRITE, path=COSTS, rewrite=shift(5), when=ungrouped, times=-1))
    report = read()
    assert report.control is not None
    # The server of the tests rewrites answers through floats.
    assert report.control.total - report.control.summed == pytest.approx(Decimal("0.05"))
    assert report.missing == ("La somme des lignes de coûts ne correspond pas au total d’OpenAI.",)
    assert not report.gaps[0].passing


def test_the_second_reading_is_the_one_that_counts(world: World, read: Read) -> None:
    def by_key(query: Any, _: bytes) -> bool:
        return "group_by[]" in query

    world.server.faults.add(Fault("openai", Kind.REWRITE, path=COSTS, rewrite=shift(500), when=by_key))
    matches_bill(world, read(), JANUARY)


@pytest.mark.parametrize("status", [403, 404, 503])
def test_without_a_total_the_figures_stand(world: World, read: Read, status: int) -> None:
    world.server.faults.add(Fault("openai", Kind.STATUS, path=COSTS, status=status, when=ungrouped, times=-1))
    report = read()
    matches_bill(world, report, JANUARY)
    assert (report.control, report.status) == (None, Status.SUCCES)


def test_a_mismatch_that_can_not_be_read_again_is_partial(world: World, read: Read) -> None:
    world.server.faults.add(Fault("openai", Kind.REWRITE, path=COSTS, rewrite=shift(5), when=ungrouped))
    world.server.faults.add(Fault("openai", Kind.STATUS, path=COSTS, status=503, skip=1, times=-1))
    report = read()
    matches_bill(world, report, JANUARY)
    assert report.status is Status.PARTIEL


# Time


@pytest.mark.parametrize("end", ["list", "clamp", "refuse"])
@pytest.mark.parametrize(
    "moment", [NOW, datetime(2026, 2, 2, tzinfo=UTC), datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)]
)
def test_the_running_month(world: World, read: Read, end: Any, moment: datetime) -> None:
    world.moment, world.api.future_end = moment, end
    report = read(FEBRUARY)
    matches_bill(world, report, FEBRUARY)
    assert report.data_until == moment
    assert report.control is None
    assert not report.empty_proven
    assert report.status is Status.SUCCES
    # 12 and the names; an account that refuses the running day whole has refused it twice.
    assert report.requests == 13 + 2 * (end == "refuse")


def test_the_first_day_of_a_month(world: World, read: Read) -> None:
    world.moment = FEBRUARY.start
    assert read(FEBRUARY).records == ()
    world.moment += timedelta(hours=9)
    matches_bill(world, read(FEBRUARY), FEBRUARY)


@pytest.mark.parametrize(("hours", "provisional"), [(0, True), (23, True), (24, False)])
def test_a_month_is_provisional_for_a_day(world: World, read: Read, hours: int, provisional: bool) -> None:
    world.moment = JANUARY.end + timedelta(hours=hours)
    report = read()
    assert report.provisional is provisional
    assert report.data_until is None


def test_an_empty_month_is_proven_by_its_days(world: World, read: Read) -> None:
    world.account.clear("2026-01")
    report = read()
    assert (report.records, report.status, report.empty_proven) == ((), Status.SUCCES, True)
    world.server.faults.add(
        Fault("openai", Kind.REWRITE, path=COSTS, times=-1, rewrite=lambda body: body | {"data": body["data"][:-1]})
    )
    assert not read().empty_proven


def test_stored_bytes_are_the_highest_day_of_the_month(world: World, read: Read) -> None:
    facts = [fact for fact in world.account.facts("2026-01") if fact.family == "vector_stores"]
    by_day: dict[tuple[str | None, int], int] = {}
    for fact in facts:
        by_day[fact.project_id, fact.at.day] = by_day.get((fact.project_id, fact.at.day), 0) + fact.usage_bytes
    rows = rows_of(read())
    for project in {fact.project_id for fact in facts}:
        peak = max(stored for (owner, _), stored in by_day.items() if owner == project)
        entry = next(e for e in rows[project or NO_PROJECT].breakdown if e.name == "Vector storage")
        assert dict(entry.units)["bytes"] == peak
        assert entry.cost is not None


def test_midnight_belongs_to_the_day_that_begins(world: World, read: Read) -> None:
    facts = world.account.facts("2026-01")
    template = next(fact for fact in facts if fact.amount is not None)
    edges = [JANUARY.start, JANUARY.end - timedelta(minutes=1)]
    facts[:] = [replace(template, at=at, amount=Decimal("0.1")) for at in edges]
    world.account.facts("2026-02").insert(0, replace(template, at=JANUARY.end, amount=Decimal(100)))
    world.account.facts("2025-12").append(Fact(JANUARY.start - timedelta(minutes=1), "costs", amount=Decimal(100)))
    assert exact_sum(record.cost for record in read().records) == Decimal("0.2")


# Several organisations, and checking


def test_each_key_sees_its_own_organisation(world: World, read: Read) -> None:
    labo = world.api.accounts[1]
    report = read(source=Source(provider=ProviderName.OPENAI, account="labo"))
    assert exact_sum(record.cost for record in report.records) == world.api.bill(labo, "2026-01").total
    assert {thing.id for thing in report.things} == {project.id for project in labo.projects}


@pytest.mark.parametrize(
    ("key", "verdicts"),
    [
        ("key", [Verdict.OK, Verdict.OK, Verdict.OK]),
        ("limited_key", [Verdict.OK, Verdict.OK, Verdict.WARNING]),
        ("registry_key", [Verdict.BAD, Verdict.BAD, Verdict.OK]),
        ("project_key", [Verdict.BAD, Verdict.BAD, Verdict.WARNING]),
    ],
)
def test_checking_a_key(world: World, key: str, verdicts: list[Verdict]) -> None:
    secret = getattr(world.account, key)
    settings = world.settings(OPENAI_ADMIN_KEY_MEMOWAYS=secret)
    findings = asyncio.run(check_source(settings, SOURCE, JANUARY))
    assert [finding.verdict for finding in findings] == verdicts
    assert len(world.paths()) == 3
    assert secret not in repr(findings)


def test_checking_on_the_first_day_of_a_month(world: World) -> None:
    world.moment = datetime(2026, 2, 1, 9, tzinfo=UTC)
    findings = asyncio.run(check_source(world.settings(), SOURCE, FEBRUARY))
    assert {finding.verdict for finding in findings} == {Verdict.OK}


def test_everything_down(world: World, read: Read) -> None:
    world.server.faults.add(Fault("openai", Kind.STATUS, status=502, times=-1))
    with pytest.raises(TransientError):
        read()

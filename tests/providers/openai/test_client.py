from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from providers.openai import reports
from providers.openai.endpoints import FAMILIES, FEWER_BUCKETS
from providers.reading import KeptReading, check_source, read_again, read_source
from providers.shared.checks import CheckStatus
from providers.shared.patience import Retry
from sandbox.faults import Fault, Kind
from sandbox.openai import OpenAIApi
from sandbox.openai.world import Account, Fact
from sandbox.server import Server
from usage.errors import CredentialError, RefusedError, TransientError
from usage.grain import NO_API_KEY, NO_PROJECT
from usage.money import exact_sum
from usage.month import Month
from usage.names import Grain, ProviderName, Source, Status
from usage.outcomes.report import GapKind, SourceReport
from usage.outcomes.rows import LabelledReport, UsageRow, build_rows
from usage.peers.exchange import Exchange
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
        return load_settings(self.server.environment() | now | more, ())

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
    return {row.key: row for row in build_rows([LabelledReport(report, grain, "memoways")])[report.source]}


def matches_bill(world: World, report: SourceReport, month: Month) -> None:
    rows = rows_of(report)
    bill = world.api.bill(world.account, str(month))
    assert set(rows) == {row.key or NO_PROJECT for row in bill.rows}
    for expected in bill.rows:
        totals = rows[expected.key or NO_PROJECT].totals
        assert totals.cost == expected.cost
        figures = (totals.tokens_input, totals.tokens_output, totals.requests)
        assert figures == (expected.tokens_input, expected.tokens_output, expected.requests)


def ungrouped(query: Any, _: bytes) -> bool:
    return "group_by[]" not in query


def grouped(query: Any, _: bytes) -> bool:
    return "group_by[]" in query


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


def test_a_month_whose_page_would_be_large_is_read_in_smaller_ones_and_again_from_its_answers(
    world: World, read: Read, retry: Retry, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = read()
    monkeypatch.setattr(reports, "LARGE_PAGE", 2_000)
    world.server.journal.clear()
    heard: list[Exchange] = []
    settings = world.settings()
    report = asyncio.run(read_source(settings, SOURCE, JANUARY, retry=retry, listener=heard.append))
    matches_bill(world, report, JANUARY)
    assert set(report.records) == set(expected.records)
    limits = [dict(query)["limit"] for query in world.queries(COSTS)]
    assert limits[0] == "31"
    assert set(limits[1:32]) == {FEWER_BUCKETS}
    assert report.requests == len(world.paths())
    # What was not heard to its end is no answer.
    assert len(heard) < report.requests
    again = asyncio.run(read_again(settings, SOURCE, JANUARY, KeptReading(heard, report.read_at, begun_at=NOW)))
    assert set(again.records) == set(report.records)


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


def test_a_key_without_the_registry_has_the_names_of_the_cost_lines(world: World, read: Read) -> None:
    report = read(OPENAI_ADMIN_KEY_MEMOWAYS=world.account.limited_key, OPENAI_GRAIN="api_key")
    names = {project.id: project.name for project in world.account.projects}
    assert report.status is Status.SUCCES
    assert report.things
    assert all(thing.name == names[thing.id] for thing in report.things)
    assert tuple(one.fr for one in report.remarks) == (
        "Les noms des projets n’ont pas pu être lus, les noms des lignes de coûts, sinon les identifiants, les "
        "remplacent : OpenAI refuse /organization/projects à cette clé (HTTP 403) : il lui manque le droit "
        "api.management.read.",
    )
    # What is refused for all projects is not asked for each of them.
    assert not [path for path in world.paths() if path.endswith("/api_keys")]


def test_a_key_without_the_registry_gives_ids_and_a_remark(world: World, read: Read) -> None:
    world.api.undocumented = False
    report = read(OPENAI_ADMIN_KEY_MEMOWAYS=world.account.limited_key)
    matches_bill(world, report, JANUARY)
    assert report.status is Status.SUCCES
    assert report.things == ()
    assert report.remarks[0].fr.startswith(
        "Les noms des projets n’ont pas pu être lus, les identifiants les remplacent"
    )
    assert all(row.name == row.key for row in rows_of(report).values())


@pytest.mark.parametrize("status", [400, 403, 404, 503])
def test_keys_of_one_project_that_can_not_be_listed_cost_only_their_names(
    world: World, read: Read, status: int
) -> None:
    keys = {thing.id for thing in read(OPENAI_GRAIN="api_key").things}
    first = next(path for path in world.paths() if path.endswith("/api_keys"))
    world.server.faults.add(Fault("openai", Kind.STATUS, path=first, status=status, times=-1))
    report = read(OPENAI_GRAIN="api_key")
    assert report.status is Status.SUCCES
    lost = keys - {thing.id for thing in report.things}
    of_project = {key.id for key in world.account.keys if key.project_id == first.split("/")[3]}
    assert lost
    assert lost <= of_project
    assert len(report.remarks) == (status != 404)


def test_names_of_projects_stay_where_those_of_keys_can_not_be_read(world: World, read: Read) -> None:
    world.server.faults.add(Fault("openai", Kind.STATUS, path="/api_keys$", status=403, times=-1))
    report = read(OPENAI_GRAIN="api_key")
    assert {thing.id for thing in report.things} == {project.id for project in world.account.projects}
    assert report.remarks
    assert report.status is Status.SUCCES


# By API key


def test_rows_by_key(world: World, read: Read) -> None:
    report = read(OPENAI_GRAIN="api_key")
    rows = build_rows([LabelledReport(report, Grain.API_KEY, "memoways")])[SOURCE]
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
    assert not report.coarse
    assert report.status is Status.SUCCES
    assert report.requests == 15 + (grain is Grain.API_KEY) * len([p for p in world.paths() if "api_keys" in p])
    assert any(record.allocated for record in report.records) is (grain is Grain.API_KEY)


def test_without_usage_of_keys_costs_by_project_stay_by_project(world: World, read: Read) -> None:
    world.api.costs_by_key = False
    for fact in world.account.facts("2026-01"):
        fact.api_key_id = None
    report = read(OPENAI_GRAIN="api_key")
    matches_bill(world, report, JANUARY)
    assert report.coarse
    assert all(row.key in (row.workspace, NO_PROJECT) for row in rows_of(report, Grain.API_KEY).values())
    assert tuple(one.fr for one in report.remarks) == (
        "OpenAI refuse à ce compte les coûts par clé : les lignes sont par projet.",
    )
    assert not any(record.allocated for record in report.records)


def test_nothing_is_divided_by_usage_that_is_not_all_there(world: World, read: Read) -> None:
    world.api.costs_by_key = False
    world.server.faults.add(Fault("openai", Kind.STATUS, path="/decisions$", status=500, times=-1))
    report = read(OPENAI_GRAIN="api_key")
    assert report.status is Status.PARTIEL
    assert report.coarse
    assert not any(record.allocated for record in report.records)
    assert exact_sum(record.cost for record in report.records) == world.api.bill(world.account, "2026-01").total


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


@pytest.mark.parametrize("odd", [[], {}, [3], {"a": 1}])
def test_an_odd_value_beside_the_counts_costs_nothing(world: World, read: Read, odd: object) -> None:
    """Parts of the tokens are read as they come, also where a page is told apart from others by its lines."""

    def rewrite(page: Any) -> Any:
        for result in [result for bucket in page["data"] for result in bucket["results"]]:
            result["input_cached_image_tokens"] = odd
        return page

    world.server.faults.add(Fault("openai", Kind.REWRITE, path="/usage/completions", rewrite=rewrite, times=-1))
    report = read()
    assert report.status is Status.SUCCES
    matches_bill(world, report, JANUARY)


@pytest.mark.parametrize("days", [-31, 33])
def test_a_usage_report_about_other_months_is_a_gap(world: World, read: Read, days: int) -> None:
    def move(page: Any) -> Any:
        for bucket in page["data"]:
            bucket["start_time"] += days * 86_400
        return page

    world.server.faults.add(Fault("openai", Kind.REWRITE, path="/usage/completions", rewrite=move, times=-1))
    report = read()
    assert report.status is Status.PARTIEL
    (gap,) = report.gaps
    assert gap.sentence.en.startswith("Without the completions: ")
    assert gap.sentence.en.endswith("all of it is about other months.")


def test_one_family_that_fails_is_a_gap(world: World, read: Read) -> None:
    world.server.faults.add(Fault("openai", Kind.STATUS, path="/images$", status=500, times=-1))
    report = read()
    assert report.status is Status.PARTIEL
    assert tuple(one.fr for one in report.missing) == (
        "Il manque les images : /organization/usage/images est en panne ou occupé (HTTP 500).",
    )
    assert report.gaps[0].passing


def test_costs_refused_by_scope(world: World, read: Read) -> None:
    world.api.forbidden = {COSTS}
    report = read()
    assert report.status is Status.PARTIEL
    assert "les coûts" in report.missing[0].fr
    assert "api.usage.read" in report.missing[0].fr
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
    assert "OpenAI ne donne plus 2025-09" in report.gaps[0].sentence.fr
    matches_bill(world, read(Month(2025, 10)), Month(2025, 10))


def test_a_recent_month_that_is_refused_is_a_failure(world: World, read: Read) -> None:
    world.api.earliest = datetime(2026, 1, 2, tzinfo=UTC)
    with pytest.raises(RefusedError):
        read()


def test_a_report_that_begins_within_the_month_is_read_from_there_on(world: World, read: Read) -> None:
    day = date(2026, 1, 12)
    world.api.lookback = dict.fromkeys((COSTS, "/organization/usage/completions"), day)
    report = read()
    assert report.days_read == 20
    assert report.missing == ()
    (gap,) = report.gaps
    assert gap.kind is GapKind.UNAVAILABLE
    assert gap.sentence.fr == (
        "OpenAI ne remonte que jusqu’au 2026-01-12 pour les coûts, les complétions : il n’y a rien d’avant."
    )
    facts = [fact for fact in world.account.facts("2026-01") if fact.at.date() >= day]
    assert exact_sum(record.cost for record in report.records) == exact_sum(fact.amount for fact in facts)
    assert report.control is not None
    assert report.control.agrees
    assert not report.empty_proven


def test_a_family_that_does_not_reach_the_month_is_not_available(world: World, read: Read) -> None:
    world.api.lookback = {"/organization/usage/images": date(2026, 2, 3)}
    report = read()
    assert (report.status, report.missing, report.days_read) == (Status.DONNEES_INDISPONIBLES, (), 31)
    assert report.gaps[0].sentence.fr.startswith(
        "Il manque les images : /organization/usage/images ne remonte pas si loin"
    )
    assert exact_sum(record.cost for record in report.records) == world.api.bill(world.account, "2026-01").total


def test_a_month_that_no_report_reaches_is_not_available(world: World, read: Read) -> None:
    paths = [COSTS, *(family.path for family in FAMILIES)]
    world.api.lookback = dict.fromkeys(paths, date(2026, 2, 3))
    report = read()
    assert (report.status, report.records, report.missing) == (Status.DONNEES_INDISPONIBLES, (), ())


@pytest.mark.parametrize("grain", Grain)
@pytest.mark.parametrize(
    ("since", "by_key", "remark"),
    [
        (datetime(2025, 12, 6, tzinfo=UTC), True, None),
        (datetime(2026, 1, 12, tzinfo=UTC), True, "à partir du 2026-01-12 : ceux d’avant, par projet, sont répartis"),
        # The first whole day counts.
        (
            datetime(2026, 1, 11, 9, tzinfo=UTC),
            True,
            "à partir du 2026-01-12 : ceux d’avant, par projet, sont répartis",
        ),
        (datetime(2026, 2, 6, tzinfo=UTC), False, "à partir du 2026-02-06 : ceux d’avant, par projet, sont répartis"),
    ],
)
def test_costs_that_are_told_by_key_from_a_day_on(
    *, world: World, read: Read, grain: Grain, since: datetime, by_key: bool, remark: str | None
) -> None:
    world.api.keys_since = since
    report = read(OPENAI_GRAIN=grain.value)
    matches_bill(world, report, JANUARY)
    assert report.status is Status.SUCCES
    assert not report.coarse
    assert report.days_read == 31
    by_project = {record.day for record in report.records if record.allocated}
    first = since.date() if since.hour == 0 else since.date() + timedelta(days=1)
    assert all(day is not None and day < first for day in by_project)
    assert bool(by_project) is (grain is Grain.API_KEY and first > JANUARY.first_day)
    assert by_key or grain is Grain.PROJECT or len(by_project) > 20
    told = [remark.fr for remark in report.remarks if "par clé" in remark.fr]
    begin = f"OpenAI ne donne les coûts par clé qu’{remark} entre les clés selon l’usage, "
    assert [sentence.startswith(begin) for sentence in told] == [True] * (remark is not None and grain is Grain.API_KEY)
    with_key = {fact.api_key_id for fact in world.account.facts("2026-01") if fact.amount and fact.at >= since}
    assert {record.api_key for record in report.records if record.cost} - {None} >= with_key - {None}


# Odd answers


def test_days_that_did_not_come_are_missing(world: World, read: Read) -> None:
    def cut(body: Any) -> Any:
        return body | {"data": body["data"][:20]}

    world.server.faults.add(Fault("openai", Kind.REWRITE, path=COSTS, rewrite=cut, times=-1))
    report = read()
    assert report.days_read == 20
    assert tuple(one.fr for one in report.missing) == ("Il manque 11 jours dans les coûts : 20 jours lus sur 31.",)
    assert not report.empty_proven


def test_days_of_a_family_that_did_not_come_are_missing(world: World, read: Read) -> None:
    def cut(body: Any) -> Any:
        return body | {"data": body["data"][3:]}

    world.server.faults.add(Fault("openai", Kind.REWRITE, path="/embeddings$", rewrite=cut, times=-1))
    assert tuple(one.fr for one in read().missing) == ("Il manque 3 jours dans les plongements : 28 jours lus sur 31.",)


@pytest.mark.parametrize("late", ["empty", "next month"])
def test_tokens_past_the_last_day_end(world: World, read: Read, late: str) -> None:
    number = 0

    def more(body: Any) -> Any:
        nonlocal number
        number += 1
        return body | {"has_more": True, "next_page": f"late_{number}"}

    def past(query: Any, _: bytes) -> bool:
        return str(query.get("page", "")).startswith("late")

    day = {"start_time": int(JANUARY.end.timestamp()), "results": [{"amount": {"value": 5, "currency": "usd"}}]}
    data = [] if late == "empty" else [day]
    body = {"data": data, "has_more": True, "next_page": "late_{n}"}
    for n in range(20):
        answer = json.loads(json.dumps(body).replace("{n}", f"{n}x"))
        here = Fault("openai", Kind.STATUS, path=COSTS, status=200, body=answer, when=past)
        world.server.faults.add(here)
    world.server.faults.add(Fault("openai", Kind.REWRITE, path=COSTS, rewrite=more, times=-1))
    report = read()
    # The server of the tests rewrites answers through floats.
    total = world.api.bill(world.account, "2026-01").total
    assert exact_sum(record.cost for record in report.records) == pytest.approx(total)
    assert report.status is Status.SUCCES
    assert report.requests == 14 + 2 * (5 if late == "empty" else 1)


def odd(field: str, value: object) -> Callable[[Any], Any]:
    def rewrite(body: Any) -> Any:
        next(bucket for bucket in body["data"] if bucket["results"])["results"][0][field] = value
        return body

    return rewrite


@pytest.mark.parametrize("value", [12.5, -3, True, "12", {"a": 1}])
def test_one_odd_line_of_usage_costs_itself_alone(world: World, read: Read, value: object) -> None:
    world.server.faults.add(
        Fault("openai", Kind.REWRITE, path="/audio_transcriptions$", rewrite=odd("seconds", value), times=-1)
    )
    report = read()
    assert exact_sum(record.cost for record in report.records) == world.api.bill(world.account, "2026-01").total
    assert tuple(one.fr for one in report.missing) == (
        "Une ligne illisible est laissée de côté dans les transcriptions : champ seconds, attendu : un entier.",
    )
    what = "/organization/usage/audio_transcriptions : champ seconds, attendu : un entier"
    assert [(one.what.fr, one.count) for one in report.dropped] == [(what, 1)]


def test_one_odd_line_of_costs_is_missing_and_named(world: World, read: Read) -> None:
    fault = Fault("openai", Kind.REWRITE, path=COSTS, rewrite=odd("project_id", 7), when=grouped, times=-1)
    world.server.faults.add(fault)
    report = read()
    assert report.status is Status.PARTIEL
    what = f"{COSTS} : champ project_id, attendu : un texte"
    assert [(one.what.fr, one.count) for one in report.dropped] == [(what, 1)]
    lost = world.api.bill(world.account, "2026-01").total - (exact_sum(r.cost for r in report.records) or 0)
    assert 0 < lost < 100


def test_a_family_that_breaks_the_contract_costs_itself_alone(world: World, read: Read) -> None:
    world.server.faults.add(
        Fault("openai", Kind.REWRITE, path="/images$", rewrite=lambda _: {"object": "page", "days": []}, times=-1)
    )
    report = read()
    assert exact_sum(record.cost for record in report.records) == world.api.bill(world.account, "2026-01").total
    assert tuple(one.fr for one in report.missing) == (
        "Il manque les images : /organization/usage/images ne répond plus comme prévu : champ data, attendu : une "
        "valeur.",
    )


def test_a_total_that_breaks_the_contract_is_no_total(world: World, read: Read) -> None:
    fault = Fault("openai", Kind.REWRITE, path=COSTS, rewrite=lambda _: {"object": "page"}, when=ungrouped, times=-1)
    world.server.faults.add(fault)
    report = read()
    matches_bill(world, report, JANUARY)
    assert (report.status, report.control) == (Status.SUCCES, None)


def test_new_fields_are_counted_and_logged(world: World, read: Read, caplog: pytest.LogCaptureFixture) -> None:
    def grow(body: Any) -> Any:
        for bucket in body["data"]:
            for result in bucket["results"]:
                result["surcharge"] = {"value": 1}
                result["amount"]["value_after_tax"] = 2
        return body

    world.server.faults.add(Fault("openai", Kind.REWRITE, path=COSTS, rewrite=grow, when=grouped, times=-1))
    with caplog.at_level(logging.DEBUG, logger="providers.reading"):
        report = read()
    (nested, flat) = report.new_fields
    assert (nested.what.fr, flat.what.fr) == (f"{COSTS} amount.value_after_tax", f"{COSTS} surcharge")
    assert nested.count == flat.count > 31
    assert len([record for record in caplog.records if "a field that is new" in record.getMessage()]) == 2
    assert report.status is Status.SUCCES


def test_nothing_is_new_in_what_was_seen(world: World, read: Read) -> None:
    assert (read().new_fields, read().dropped) == ((), ())


def test_the_organisation_is_told_by_cost_lines(world: World, read: Read) -> None:
    assert read().organisation == world.account.organization_id
    world.api.undocumented = False
    assert read().organisation is None


# What is billed and what is used


def billed(world: World, *, model: str, kind: str, quantity: int, unit: str = "tokens") -> Fact:
    facts = world.account.facts("2026-01")
    template = next(fact for fact in facts if fact.family == "costs" and fact.project_id and fact.api_key_id)
    found = replace(
        template,
        line_item=f"{model}, {kind}",
        model=model,
        amount=Decimal("1.25"),
        quantity=Decimal(quantity),
        quantity_unit=unit,
    )
    facts.append(found)
    return found


def test_tokens_of_a_model_that_usage_leaves_out_are_those_of_the_bill(world: World, read: Read) -> None:
    fact = billed(world, model="gpt-9-coder", kind="cached input", quantity=700)
    billed(world, model="gpt-9-coder", kind="output", quantity=2, unit="1000_tokens")
    row = rows_of(read())[fact.project_id or ""]
    entry = next(entry for entry in row.breakdown if entry.model == "gpt-9-coder")
    assert (entry.tokens_input, entry.tokens_output, entry.requests) == (700, 2000, None)
    assert (
        "Un modèle facturé est absent des rapports d’usage, tokens d’après la facture, requêtes inconnues : "
        "gpt-9-coder." in row.log.fr
    )
    others = [other.log.fr for key, other in rows_of(read()).items() if key != fact.project_id]
    assert others
    assert not any("gpt-9-coder" in log for log in others)


def test_a_model_whose_tokens_nobody_tells_is_named(world: World, read: Read) -> None:
    fact = billed(world, model="gpt-9-coder", kind="input", quantity=700, unit="images")
    row = rows_of(read())[fact.project_id or ""]
    assert "absent des rapports d’usage, tokens et requêtes inconnus : gpt-9-coder." in row.log.fr


def test_an_image_model_in_two_families_is_counted_once(world: World, read: Read) -> None:
    facts = world.account.facts("2026-01")
    facts[:] = []
    owner = {"project_id": world.account.projects[0].id, "api_key_id": "key_1", "model": "gpt-image-9"}
    for family, more in (("completions", {"input_tokens": 5, "output_tokens": 40}), ("images", {"images": 12})):
        facts.append(Fact(JANUARY.start, family, num_model_requests=9, **owner, **more))  # type: ignore[arg-type]
    facts.append(Fact(JANUARY.start, "images", num_model_requests=4, images=4, **owner | {"api_key_id": "key_2"}))  # type: ignore[arg-type]
    (row,) = rows_of(read()).values()
    assert row.totals.requests == 13
    assert dict(row.breakdown[0].units)["images"] == 16


def test_lines_without_an_amount_are_free_where_the_total_agrees_without_them(world: World, read: Read) -> None:
    def forget(body: Any) -> Any:
        for bucket in body["data"]:
            for result in bucket["results"]:
                if result["line_item"] == "gpt-9-free, input":
                    result["amount"] = None
        return body

    facts = world.account.facts("2026-01")
    template = next(fact for fact in facts if fact.family == "costs" and fact.project_id)
    facts.append(replace(template, line_item="gpt-9-free, input", model=None, amount=Decimal(0), quantity=None))
    world.server.faults.add(Fault("openai", Kind.REWRITE, path=COSTS, rewrite=forget, when=grouped, times=-1))
    report = read()
    assert (report.status, report.missing_amounts) == (Status.SUCCES, 0)
    assert "Une ligne est sans montant ; le total d’OpenAI montre que rien n’y manque." in [
        one.fr for one in report.remarks
    ]


# Refusals


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ({"message": "Missing scopes: api.usage.read."}, "il lui manque le droit api.usage.read."),
        ({"message": "IP address not allowed", "code": "ip_not_authorized"}, "l’adresse de cette machine"),
        ({"message": f"Not you, {'x' * 40}"}, "ou l’organisation n’a pas ce rapport."),
        ("Forbidden", "ou l’organisation n’a pas ce rapport."),
    ],
)
def test_a_refusal_says_what_is_refused_and_what_is_not(world: World, read: Read, error: Any, words: str) -> None:
    fault = Fault("openai", Kind.STATUS, path="/images$", status=403, body={"error": error}, times=-1)
    world.server.faults.add(fault)
    report = read()
    (gap,) = report.gaps
    assert gap.sentence.fr.startswith("Il manque les images : OpenAI refuse /organization/usage/images à cette clé")
    assert words in gap.sentence.fr
    assert "xxx" not in gap.sentence.fr
    assert "La clé lit les autres rapports." in [one.fr for one in report.remarks]


def test_a_running_month_whose_first_day_has_no_costs_yet_is_not_red(world: World, read: Read) -> None:
    world.moment = FEBRUARY.start + timedelta(hours=9)
    world.server.faults.add(Fault("openai", Kind.STATUS, path=COSTS, status=400, times=-1))
    report = read(FEBRUARY)
    assert (report.status, report.missing) == (Status.DONNEES_INDISPONIBLES, ())
    assert "pas encore les coûts du premier jour" in report.gaps[0].sentence.fr
    world.moment += timedelta(days=1)
    assert read(FEBRUARY).status is Status.PARTIEL


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
    assert "EUR" in report.gaps[0].sentence.fr
    assert ("cost_eur", Decimal("1000.5")) in [unit for record in report.records for unit in record.units]
    assert (exact_sum(record.cost for record in report.records) or 0) < 1000


# Control totals


def shift(cents: int) -> Callable[[Any], Any]:
    def rewrite(body: Any) -> Any:
        next(b for b in body["data"] if b["results"])["results"][0]["amount"]["value"] += cents / 100
        return body

    return rewrite


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
    assert tuple(one.fr for one in report.missing) == (
        "La somme des lignes de coûts ne correspond pas au total d’OpenAI.",
    )
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
    (told,) = report.remarks
    assert told.en.startswith("The cost lines were not compared with OpenAI’s total: ")
    assert str(status) in told.en


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
    # Lines and total of a month that is still moving need not agree.
    assert (report.control is None) is provisional


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
        ("key", [CheckStatus.OK, CheckStatus.OK, CheckStatus.OK]),
        ("limited_key", [CheckStatus.OK, CheckStatus.OK, CheckStatus.WARNING]),
        ("registry_key", [CheckStatus.BAD, CheckStatus.BAD, CheckStatus.OK]),
        ("project_key", [CheckStatus.BAD, CheckStatus.BAD, CheckStatus.WARNING]),
    ],
)
def test_checking_a_key(world: World, key: str, verdicts: list[CheckStatus]) -> None:
    secret = getattr(world.account, key)
    settings = world.settings(OPENAI_ADMIN_KEY_MEMOWAYS=secret)
    findings = asyncio.run(check_source(settings, SOURCE, JANUARY))
    assert [finding.status for finding in findings] == verdicts
    assert len(world.paths()) == 3
    assert secret not in repr(findings)


def test_checking_on_the_first_day_of_a_month(world: World) -> None:
    world.moment = datetime(2026, 2, 1, 9, tzinfo=UTC)
    findings = asyncio.run(check_source(world.settings(), SOURCE, FEBRUARY))
    assert {finding.status for finding in findings} == {CheckStatus.OK}


def test_everything_down(world: World, read: Read) -> None:
    world.server.faults.add(Fault("openai", Kind.STATUS, status=502, times=-1))
    with pytest.raises(TransientError):
        read()

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from jsonschema import Draft202012Validator

from providers.reading import check_source, read_source
from providers.shared.checks import CheckStatus
from providers.shared.patience import Retry
from sandbox.anthropic import AnthropicApi
from sandbox.anthropic.world import Account
from sandbox.faults import Fault, Kind
from sandbox.server import Server
from usage.errors import ContractError, CredentialError, SourceError, TransientError
from usage.grain import NO_API_KEY, NO_PROJECT
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import Kind as ThingKind
from usage.names import ProviderName, Source, Status
from usage.outcomes.report import GapKind, SourceReport
from usage.outcomes.rows import LabelledReport, UsageRow, build_rows, totals
from usage.outcomes.story import source_log
from usage.settings import Settings, load_settings

JANUARY, FEBRUARY, NOVEMBER = (Month.parse(text) for text in ("2026-01", "2026-02", "2025-11"))
NOW = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
SOURCE = Source(provider=ProviderName.ANTHROPIC)
ROOT = "/v1/organizations"
USAGE, COST = "/analytics/usage", "/analytics/cost"
OLDER_USAGE, OLDER_COST = "/usage_report/messages", "/cost_report"
WORKSPACES, KEYS, ME = "/workspaces", "/api_keys", "/me"

When = Callable[[Any, bytes], bool]


async def no_sleep(_: float) -> None:
    return


class Desk:
    """One server with the stand-in, and what a test asks of it."""

    def __init__(self, now: datetime = NOW, seed: int = 1) -> None:
        self.now = now
        self.api = AnthropicApi(lambda: self.now, seed)
        self.server = Server([self.api])
        self.extra: dict[str, str] = {}

    @property
    def account(self) -> Account:
        return self.api.accounts[0]

    def settings(self) -> Settings:
        return load_settings(self.server.environment() | {"LLM_USAGE_NOW": self.now.isoformat()} | self.extra, ())

    def read(self, month: Month = JANUARY) -> SourceReport:
        return asyncio.run(read_source(self.settings(), SOURCE, month, retry=Retry(sleep=no_sleep)))

    def check(self, month: Month = JANUARY) -> dict[str, tuple[CheckStatus, Sentence]]:
        findings = asyncio.run(check_source(self.settings(), SOURCE, month))
        return {finding.what.en: (finding.status, finding.sentence) for finding in findings}

    def rows(self, report: SourceReport) -> tuple[UsageRow, ...]:
        reading = LabelledReport(report, self.settings().grains[ProviderName.ANTHROPIC], "")
        return build_rows([reading])[SOURCE]

    def use_key(self, key: str) -> None:
        self.extra["ANTHROPIC_ADMIN_KEY"] = key

    def fault(self, kind: Kind, path: str, **more: Any) -> Fault:
        return self.server.faults.add(Fault("anthropic", kind, path + "$", **more))

    def rewrite(self, path: str, change: Callable[[Any], Any], **more: Any) -> Fault:
        return self.fault(Kind.REWRITE, path, rewrite=change, **more)

    def asked(self) -> Counter[str]:
        return Counter(request.path.removeprefix(ROOT) for request in self.server.journal.requests("anthropic"))

    def queries(self, path: str) -> list[list[tuple[str, str]]]:
        return [parse_qsl(r.query) for r in self.server.journal.requests("anthropic", path=path)]


AT_LEAST = "Requêtes : au moins ce nombre ; Anthropic n’en compte pas pour une partie de l’usage."


def remarks(report: SourceReport) -> list[str]:
    """The remarks but for the one on requests: the stand-in's organisation has usage of both kinds."""
    return [remark.fr for remark in report.remarks if remark.fr != AT_LEAST]


@pytest.fixture
def desk() -> Iterator[Desk]:
    one = Desk()
    with one.server:
        yield one


def grouped(query: Any, _: bytes) -> bool:
    return "group_by[]" in query


def ungrouped(query: Any, _: bytes) -> bool:
    return "group_by[]" not in query


def later_page(query: Any, _: bytes) -> bool:
    return "page" in query


def archived(query: Any, _: bytes) -> bool:
    return bool(query.get("status") == "archived")


def change(**fields: Any) -> Callable[[Any], Any]:
    return lambda body: {**body, **fields}


def change_costs(**fields: Any) -> Callable[[Any], Any]:
    return lambda body: {**body, "data": [{**row, "cost": {**row["cost"], **fields}} for row in body["data"]]}


def moved(instant: str, *places: int) -> Callable[[Any], Any]:
    """Rows, all or those at these places, as if they began then."""

    def move(body: Any) -> Any:
        rows = [
            {**row, "starting_at": instant} if not places or place in places else row
            for place, row in enumerate(body["data"])
        ]
        return {**body, "data": rows}

    return move


def without(row: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != field}


def agrees_with_bill(desk: Desk, month: Month, report: SourceReport) -> None:
    """Every figure of every row, and of every model within it."""
    rows = {(row.workspace, "" if row.key == NO_API_KEY else row.key): row for row in desk.rows(report)}
    bill = desk.api.bill(desk.account, str(month))
    assert rows.keys() == {(row.workspace, row.key) for row in bill.rows}
    for expected in bill.rows:
        row = rows[expected.workspace, expected.key]
        assert row.totals.cost == expected.cost
        assert (row.totals.tokens_input, row.totals.tokens_output) == (expected.tokens_input, expected.tokens_output)
        assert row.totals.requests == expected.requests
        assert {entry.name: entry.cost for entry in row.breakdown} == expected.models
        assert row.name == (expected.name or row.key)
    assert totals(rows.values()).cost == bill.total


@pytest.mark.parametrize("month", ["2025-11", "2025-12", "2026-01", "2026-02"])
@pytest.mark.parametrize("seed", [1, 7])
def test_rows_are_the_bill(month: str, seed: int) -> None:
    desk = Desk(seed=seed)
    with desk.server:
        report = desk.read(Month.parse(month))
        agrees_with_bill(desk, Month.parse(month), report)
    assert report.status is Status.SUCCES
    assert (report.gaps, report.dropped, report.new_fields) == ((), (), ())
    assert remarks(report) == []
    assert report.organisation == desk.account.organization_id
    assert report.coarse is (month < "2026-01")
    assert {row.status for row in desk.rows(report)} == {Status.SUCCES}


@pytest.mark.parametrize("month", [JANUARY, NOVEMBER], ids=str)
@pytest.mark.parametrize(
    "switches",
    [
        {"page_size": 3},
        {"page_size": 10},
        {"archived_keys_listed": False},
        {"legacy_versions": {"2023-06-01"}},
        {"lag": timedelta(days=3)},
        {"refresh_every": timedelta(hours=1)},
    ],
    ids=str,
)
def test_every_reading_of_the_api_gives_the_same_figures(desk: Desk, month: Month, switches: dict[str, Any]) -> None:
    for name, value in switches.items():
        setattr(desk.api, name, value)
    report = desk.read(month)
    agrees_with_bill(desk, month, report)
    assert report.status is Status.SUCCES


def test_pages_are_read_to_the_end(desk: Desk) -> None:
    whole = desk.read()
    desk.api.page_size = 1
    report = desk.read()
    assert set(report.records) == set(whole.records)
    assert set(report.things) == set(whole.things)
    assert report.pages == report.requests > 30


def test_the_beta_is_announced_and_each_family_has_its_version(desk: Desk) -> None:
    assert not desk.read().coarse
    desk.read(NOVEMBER)
    versions = {
        (request.path.removeprefix(ROOT), request.header("anthropic-version"), request.header("anthropic-beta"))
        for request in desk.server.journal.requests("anthropic")
    }
    assert versions == {
        (USAGE, "2026-10-21", "analytics-usage-cost-2026-08-24"),
        (COST, "2026-10-21", "analytics-usage-cost-2026-08-24"),
        (OLDER_USAGE, "2023-06-01", None),
        (OLDER_COST, "2023-06-01", None),
        (WORKSPACES, "2026-10-21", None),
        (KEYS, "2026-10-21", None),
        (ME, "2026-10-21", None),
    }


@pytest.mark.parametrize("month", [JANUARY, FEBRUARY, NOVEMBER], ids=str)
def test_every_request_is_a_get_that_the_published_description_knows(desk: Desk, month: Month, shared: Path) -> None:
    spec = json.loads((shared / "specs/anthropic.json").read_text())
    desk.api.page_size = 5
    desk.read(month)
    desk.check(month)
    for request in desk.server.journal.requests("anthropic"):
        assert request.method == "GET"
        described = {one["name"]: one for one in spec["paths"][request.path]["get"]["parameters"]}
        asked: dict[str, Any] = {}
        for name, value in parse_qsl(request.query):
            kind = described[name]["schema"]["type"]
            if kind == "array":
                asked.setdefault(name, []).append(value)
            else:
                asked[name] = json.loads(value) if kind in ("integer", "boolean") else value
        for name, one in described.items():
            sent = asked.get(name) if one["in"] == "query" else request.header(name)
            assert sent is not None or not one.get("required"), name
            if sent is not None:
                Draft202012Validator(one["schema"]).validate(sent)


def test_requests_of_a_month(desk: Desk) -> None:
    assert desk.read().requests == 6
    # One key in the data has been deleted; the list shows that it holds archived ones, so it is the whole list.
    assert desk.asked() == {COST: 2, USAGE: 1, WORKSPACES: 1, KEYS: 1, ME: 1}
    desk.server.journal.clear()
    assert desk.read(NOVEMBER).requests == 7
    assert desk.asked() == {OLDER_COST: 2, OLDER_USAGE: 1, WORKSPACES: 2, KEYS: 1, ME: 1}
    desk.server.journal.clear()
    desk.api.archived_keys_listed = False
    assert desk.read().requests == 7
    assert desk.asked()[KEYS] == 2
    desk.server.journal.clear()
    desk.account.facts("2026-01")[:] = [f for f in desk.account.facts("2026-01") if f.api_key_id is None]
    assert desk.read().requests == 6


def test_rows_by_workspace_when_that_is_the_grain(desk: Desk) -> None:
    desk.extra["ANTHROPIC_GRAIN"] = "project"
    rows = {row.key: row for row in desk.rows(desk.read())}
    bill = desk.api.bill(desk.account, "2026-01")
    names = {workspace.id: workspace.name for workspace in desk.account.workspaces}
    for workspace in {row.workspace for row in bill.rows}:
        mine = [row for row in bill.rows if row.workspace == workspace]
        assert rows[workspace].totals.cost == sum(row.cost for row in mine if row.cost is not None)
        assert rows[workspace].totals.requests == sum(row.requests or 0 for row in mine)
        assert (rows[workspace].workspace, rows[workspace].name) == (workspace, names[workspace])


def test_code_execution_is_counted_in_calls_and_not_in_requests(desk: Desk) -> None:
    facts = [fact for fact in desk.account.facts("2026-01") if fact.model is None and fact.usage]
    row = next(row for row in desk.rows(desk.read()) if any(entry.item for entry in row.breakdown))
    entry = next(entry for entry in row.breakdown if entry.item == "code_execution")
    assert dict(entry.units) == {"calls": sum(fact.usage.requests or 0 for fact in facts if fact.usage)}
    assert (entry.requests, row.totals.requests) == (None, None)
    assert row.key == NO_API_KEY


def test_a_registry_of_the_older_shape_gives_the_same_names(desk: Desk) -> None:
    plain = desk.read()

    def older(body: Any) -> Any:
        return {**body, "data": [{**without(key, "scope"), "workspace_id": None} for key in body["data"]]}

    desk.rewrite(KEYS, older, times=-1)
    assert desk.read().things == plain.things


def test_all_that_is_registered_is_owned(desk: Desk) -> None:
    for month in (JANUARY, NOVEMBER):
        things = {(thing.kind, thing.id): thing.name for thing in desk.read(month).things}
        assert things == {(ThingKind.WORKSPACE, one.id): one.name for one in desk.account.workspaces} | {
            (ThingKind.API_KEY, key.id): key.name for key in desk.account.keys
        }


def test_a_list_that_does_not_know_the_default_workspace_is_asked_without_it(desk: Desk) -> None:
    desk.api.default_listed = False
    report = desk.read()
    assert desk.account.default_workspace not in {thing.id for thing in report.things}
    assert (remarks(report), report.status) == ([], Status.SUCCES)
    agrees_with_bill(desk, JANUARY, report)
    rows = {row.key: row for row in desk.rows(desk.read(NOVEMBER))}
    expected = {row.key: row for row in desk.api.bill(desk.account, "2025-11").rows}
    assert rows.keys() == expected.keys() - {desk.account.default_workspace} | {NO_PROJECT}
    assert rows[NO_PROJECT].totals.cost == expected[desk.account.default_workspace].cost
    assert rows[NO_PROJECT].workspace == ""


@pytest.mark.parametrize("path", [COST, USAGE])
@pytest.mark.parametrize("status", [400, 403, 404])
def test_refused_newer_reports_are_replaced_by_the_older_ones(desk: Desk, path: str, status: int) -> None:
    desk.fault(Kind.STATUS, path, status=status, times=-1)
    report = desk.read()
    assert report.coarse
    assert report.status is Status.SUCCES
    (remark,) = report.remarks
    assert path in remark.fr
    assert "anciens rapports" in remark.fr
    assert "The older reports stand for them" in remark.en
    rows = {row.key: row for row in desk.rows(report)}
    bill = desk.api.bill(desk.account, "2026-01")
    assert totals(rows.values()).cost == bill.total
    assert totals(rows.values()).tokens_input == sum(row.tokens_input or 0 for row in bill.rows)
    assert totals(rows.values()).requests is None
    assert rows.keys() == {row.workspace for row in bill.rows}
    assert all(row.workspace == row.key for row in rows.values())


def test_the_switches_for_absent_and_forbidden_paths(desk: Desk) -> None:
    desk.api.absent.add(ROOT + COST)
    assert desk.read().coarse
    desk.api.absent.clear()
    desk.api.forbidden |= {ROOT + COST, ROOT + USAGE}
    assert desk.read().coarse
    desk.api.forbidden |= {ROOT + OLDER_COST, ROOT + OLDER_USAGE}
    with pytest.raises(CredentialError, match="sk-ant-admin01"):
        desk.read()


@pytest.mark.parametrize(
    ("now", "coarse"),
    [
        (datetime(2027, 1, 1, 0, 0, tzinfo=UTC), False),
        (datetime(2027, 1, 1, 0, 1, tzinfo=UTC), True),
        (datetime(2027, 6, 1, tzinfo=UTC), True),
    ],
)
def test_the_newer_reports_reach_back_a_year(now: datetime, coarse: bool) -> None:
    desk = Desk(now)
    with desk.server:
        report = desk.read()
        agrees_with_bill(desk, JANUARY, report)
    assert (report.coarse, remarks(report)) == (coarse, [])


def test_a_month_that_the_older_reports_refuse_is_unavailable(desk: Desk) -> None:
    desk.api.legacy_versions = set()
    report = desk.read(NOVEMBER)
    assert (report.records, report.status) == ((), Status.DONNEES_INDISPONIBLES)
    assert "2025-11" in report.gaps[0].sentence.fr


def test_a_recent_month_that_both_generations_refuse_is_an_error(desk: Desk) -> None:
    desk.api.legacy_versions = set()
    for path in (COST, USAGE):
        desk.fault(Kind.STATUS, path, status=400, times=-1)
    with pytest.raises(SourceError, match="refuse la demande"):
        desk.read()


def test_half_of_the_older_pair_does_not_replace_half_of_the_newer_one(desk: Desk) -> None:
    for path in (COST, OLDER_COST):
        desk.fault(Kind.STATUS, path, status=403, times=-1)
    report = desk.read()
    assert (report.coarse, report.status) == (False, Status.PARTIEL)
    figures, bill = desk.rows(report), desk.api.bill(desk.account, "2026-01")
    assert totals(figures).requests == sum(row.requests or 0 for row in bill.rows)
    assert totals(figures).cost is None


@pytest.mark.parametrize(
    ("refused", "status", "expected"),
    [(COST, 403, Status.PARTIEL), (USAGE, 403, Status.PARTIEL), (COST, 404, Status.DONNEES_INDISPONIBLES)],
)
def test_a_newer_report_that_the_older_pair_can_not_replace_is_a_gap(
    desk: Desk, refused: str, status: int, expected: Status
) -> None:
    desk.api.legacy_versions = set()
    desk.fault(Kind.STATUS, refused, status=status, times=-1)
    report = desk.read()
    assert (report.coarse, report.status) == (False, expected)
    figures, bill = totals(desk.rows(report)), desk.api.bill(desk.account, "2026-01")
    assert figures.cost == (None if refused == COST else bill.total)
    assert (figures.requests is None) == (refused == USAGE)
    (gap,) = report.gaps
    assert refused in gap.sentence.fr


@pytest.mark.parametrize("wrong_kind_status", [401, 403])
def test_a_key_of_the_wrong_kind_says_which_one_is_needed(desk: Desk, wrong_kind_status: Any) -> None:
    desk.api.wrong_kind_status = wrong_kind_status
    desk.use_key(desk.account.workspace_key)
    with pytest.raises(CredentialError, match="sk-ant-admin01") as caught:
        desk.read()
    assert desk.account.workspace_key not in str(caught.value)


def test_a_wrong_key_is_not_tried_again(desk: Desk) -> None:
    desk.use_key("sk-ant-admin01-nobody")
    with pytest.raises(CredentialError) as caught:
        desk.read()
    assert "nobody" not in str(caught.value)
    assert desk.asked() == {COST: 1, USAGE: 1}


def test_a_key_for_analytics_alone_gives_figures_without_names(desk: Desk) -> None:
    desk.use_key(desk.account.limited_key)
    report = desk.read()
    assert report.status is Status.SUCCES
    assert report.organisation is None
    assert [remark.split(" n’ont")[0] for remark in remarks(report)] == [
        "Les noms des espaces de travail",
        "Les noms des clés",
    ]
    assert totals(desk.rows(report)).cost == desk.api.bill(desk.account, "2026-01").total
    assert all(row.name == row.key for row in desk.rows(report))
    with pytest.raises(CredentialError):
        desk.read(NOVEMBER)


@pytest.mark.parametrize(("path", "left"), [(WORKSPACES, ThingKind.API_KEY), (KEYS, ThingKind.WORKSPACE)])
def test_one_list_of_names_that_is_refused_leaves_the_other(desk: Desk, path: str, left: ThingKind) -> None:
    desk.api.forbidden.add(ROOT + path)
    report = desk.read()
    assert {thing.kind for thing in report.things} == {left}
    assert (len(remarks(report)), report.gaps, report.status) == (1, (), Status.SUCCES)


def test_archived_keys_that_can_not_be_asked_for_cost_no_figure(desk: Desk) -> None:
    desk.api.archived_keys_listed = False
    desk.fault(Kind.STATUS, KEYS, status=400, when=archived, times=-1)
    report = desk.read()
    assert report.status is Status.SUCCES
    assert "des clés" in remarks(report)[0]


def test_the_running_month_goes_as_far_as_the_data(desk: Desk) -> None:
    report = desk.read(FEBRUARY)
    assert report.data_until == datetime(2026, 2, 14, 12, tzinfo=UTC)
    assert (report.control, report.provisional, report.empty_proven) == (None, False, False)
    assert dict(desk.queries(COST)[0])["ending_at"] == "2026-02-14T15:00:00Z"
    log = source_log(report, totals(desk.rows(report)).cost, 1)
    assert "2026-02 : mois en cours, données jusqu’au 2026-02-14" in log.fr


def test_the_running_month_from_the_older_reports_ends_at_the_next_midnight(desk: Desk) -> None:
    desk.api.absent.add(ROOT + COST)
    report = desk.read(FEBRUARY)
    assert report.data_until == NOW
    assert dict(desk.queries(OLDER_COST)[0])["ending_at"] == "2026-02-15T00:00:00Z"
    facts = [charge.amount for fact in desk.account.facts("2026-02") for charge in fact.charges]
    assert totals(desk.rows(report)).cost == sum(facts) / 100


def test_the_first_minutes_of_a_month(desk: Desk) -> None:
    desk.now = datetime(2026, 2, 1, 0, 5, tzinfo=UTC)
    report = desk.read(FEBRUARY)
    assert (report.records, report.status, report.coarse) == ((), Status.SUCCES, False)
    assert dict(desk.queries(COST)[0])["ending_at"] == "2026-02-01T01:00:00Z"


@pytest.mark.parametrize(
    ("now", "lag", "provisional", "proven"),
    [
        (datetime(2026, 2, 1, 9, tzinfo=UTC), timedelta(hours=12), True, False),
        (datetime(2026, 2, 1, 9, tzinfo=UTC), timedelta(0), True, True),
        (datetime(2026, 2, 2, 9, tzinfo=UTC), timedelta(0), False, True),
    ],
)
def test_a_closed_month_is_provisional_until_its_data_is_a_day_older(
    desk: Desk, now: datetime, lag: timedelta, provisional: bool, proven: bool
) -> None:
    desk.now, desk.api.lag = now, lag
    report = desk.read()
    assert (report.provisional, report.empty_proven) == (provisional, proven)
    agrees_with_bill(desk, JANUARY, report)
    log = source_log(report, totals(desk.rows(report)).cost, 1).fr
    assert log.startswith("Mois demandé du 2026-01-01 au 2026-01-31")
    # Lines and total of a month that is still moving need not agree.
    assert (report.control is None) is provisional
    assert (f"Données d’Anthropic jusqu’au {desk.api.refreshed_at:%Y-%m-%d %H:%M}" in log) is provisional


@pytest.mark.parametrize("path", [COST, USAGE])
def test_data_that_does_not_say_how_far_it_goes_proves_nothing(desk: Desk, path: str) -> None:
    desk.rewrite(path, change(data_refreshed_at=None), times=-1)
    report = desk.read()
    assert (report.data_until, report.empty_proven, report.provisional) == (None, False, False)
    agrees_with_bill(desk, JANUARY, report)


def test_an_empty_month_is_proven_so_by_the_newer_reports_alone(desk: Desk) -> None:
    for month, proven in ((JANUARY, True), (NOVEMBER, False)):
        desk.account.clear(str(month))
        report = desk.read(month)
        assert (report.records, report.gaps, report.status) == ((), (), Status.SUCCES)
        assert report.empty_proven is proven
        assert report.control is not None
        assert report.control.total == 0


def test_days_outside_the_month_are_left_out(desk: Desk) -> None:
    plain = desk.read(NOVEMBER)

    def inclusive(body: Any) -> Any:
        extra = {**body["data"][-1], "starting_at": "2025-12-01T00:00:00Z", "ending_at": "2025-12-02T00:00:00Z"}
        return {**body, "data": [*body["data"], extra]}

    desk.rewrite(OLDER_COST, inclusive, times=-1)
    desk.rewrite(OLDER_USAGE, inclusive, times=-1)
    assert desk.read(NOVEMBER).records == plain.records


@pytest.mark.parametrize(("month", "path"), [(JANUARY, COST), (JANUARY, USAGE), (NOVEMBER, OLDER_COST)], ids=str)
def test_a_cursor_that_goes_stale_restarts_the_listing(desk: Desk, month: Month, path: str) -> None:
    desk.api.page_size = 4
    desk.fault(Kind.STATUS, path, status=410, when=later_page)
    report = desk.read(month)
    agrees_with_bill(desk, month, report)
    assert report.status is Status.SUCCES


def test_a_cursor_that_keeps_going_stale_is_for_later(desk: Desk) -> None:
    desk.api.page_size = 4
    desk.fault(Kind.STATUS, COST, status=410, when=later_page, times=-1)
    (gap,) = desk.read().gaps
    assert (gap.kind, gap.passing) == (GapKind.MISSING, True)


@pytest.mark.parametrize("status", [429, 500, 529])
def test_what_passes_is_tried_again(desk: Desk, status: int) -> None:
    for path in (COST, USAGE, WORKSPACES, KEYS):
        desk.fault(Kind.STATUS, path, status=status, times=2)
    report = desk.read()
    agrees_with_bill(desk, JANUARY, report)
    assert report.requests == 14


@pytest.mark.parametrize("kind", [Kind.CUT_BEFORE, Kind.CUT_AFTER, Kind.TRUNCATE])
def test_cut_connections_are_tried_again(desk: Desk, kind: Kind) -> None:
    desk.fault(kind, COST)
    agrees_with_bill(desk, JANUARY, desk.read())


@pytest.mark.parametrize(("path", "what"), [(COST, "les coûts"), (USAGE, "les tokens et les requêtes")])
def test_a_report_that_stays_down_leaves_the_other(desk: Desk, path: str, what: str) -> None:
    desk.fault(Kind.STATUS, path, status=503, times=-1)
    report = desk.read()
    (gap,) = report.gaps
    assert (gap.kind, gap.passing) == (GapKind.MISSING, True)
    assert gap.sentence.fr.startswith(f"Il manque {what}")
    assert report.status is Status.PARTIEL
    assert not report.empty_proven
    found, bill = totals(desk.rows(report)), desk.api.bill(desk.account, "2026-01")
    assert found.cost == (None if path == COST else bill.total)
    assert (found.tokens_input is None) is (path == USAGE)


def test_nothing_at_all_is_a_failure(desk: Desk) -> None:
    desk.fault(Kind.STATUS, "(cost|usage)", status=503, times=-1)
    with pytest.raises(TransientError):
        desk.read()


def test_the_control_total_is_anthropic_s_own(desk: Desk) -> None:
    for month in (JANUARY, NOVEMBER):
        report = desk.read(month)
        assert report.control is not None
        assert report.control.agrees
        assert report.control.total == report.control.summed == desk.api.bill(desk.account, str(month)).total


def test_a_mismatch_is_read_once_more_before_it_is_believed(desk: Desk) -> None:
    desk.rewrite(COST, change_costs(amount="1"), when=ungrouped)
    report = desk.read()
    assert report.control is not None
    assert report.control.agrees
    agrees_with_bill(desk, JANUARY, report)
    assert desk.asked()[COST] == 4


def test_costs_that_were_short_are_replaced_by_the_second_reading(desk: Desk) -> None:
    desk.rewrite(COST, lambda body: {**body, "data": body["data"][1:]}, when=grouped)
    agrees_with_bill(desk, JANUARY, desk.read())


def test_a_lasting_mismatch_is_told(desk: Desk) -> None:
    desk.rewrite(COST, change_costs(amount="1"), when=ungrouped, times=-1)
    report = desk.read()
    assert report.control is not None
    assert not report.control.agrees
    assert [(gap.kind, gap.passing) for gap in report.gaps] == [(GapKind.MISSING, False)]
    assert report.status is Status.PARTIEL


def test_without_the_control_total_the_figures_are_just_not_checked(desk: Desk) -> None:
    desk.fault(Kind.STATUS, COST, status=503, when=ungrouped, times=-1)
    report = desk.read()
    assert (report.control, report.status) == (None, Status.SUCCES)
    assert "Total de contrôle non lu" in report.remarks[0].fr
    agrees_with_bill(desk, JANUARY, report)


def test_an_amount_that_is_not_there_makes_its_row_partial(desk: Desk) -> None:
    def lose_first(body: Any) -> Any:
        first = body["data"][0]
        return {**body, "data": [{**first, "cost": without(first["cost"], "amount")}, *body["data"][1:]]}

    desk.rewrite(COST, lose_first, when=grouped, times=-1)
    report = desk.read()
    assert report.missing_amounts == 1
    assert report.status is Status.PARTIEL


def test_another_currency_is_not_counted_as_dollars(desk: Desk) -> None:
    desk.rewrite(COST, change_costs(currency="EUR"), times=-1)
    report = desk.read()
    assert totals(desk.rows(report)).cost is None
    assert report.status is Status.DONNEES_INDISPONIBLES


def test_what_is_new_is_ignored_or_kept(desk: Desk) -> None:
    def grow(body: Any) -> Any:
        rows = [{**row, "new": 1, "group": {**row["group"], "mood": "x", "cost_type": "novel"}} for row in body["data"]]
        return {**body, "data": rows, "organization_id": None}

    desk.rewrite(COST, grow, times=-1)
    report = desk.read()
    assert totals(desk.rows(report)).cost == desk.api.bill(desk.account, "2026-01").total
    assert "novel" in {entry.item for row in desk.rows(report) for entry in row.breakdown}


@pytest.mark.parametrize(
    ("path", "change_body", "said"),
    [
        (COST, lambda body: without(body, "data"), "champ data"),
        (COST, lambda body: {**body, "data": [without(body["data"][0], "cost")]}, "champ cost"),
        (COST, change_costs(amount="a lot"), "champ amount"),
        (COST, change(has_more=True, next_page=None), "sans dire où"),
    ],
)
def test_costs_that_break_the_contract_stop_the_source(desk: Desk, path: str, change_body: Any, said: str) -> None:
    desk.rewrite(path, change_body, times=-1)
    with pytest.raises(ContractError, match=said):
        desk.read()


@pytest.mark.parametrize(
    ("change_body", "said"),
    [
        (lambda body: without(body, "data"), "champ data"),
        (lambda body: {**body, "data": [{**body["data"][0], "usage": None}]}, "champ usage"),
        (lambda body: {**body, "data": [{**body["data"][0], "starting_at": "soon"}]}, "starting_at"),
    ],
)
def test_usage_that_breaks_the_contract_costs_itself_alone(desk: Desk, change_body: Any, said: str) -> None:
    desk.rewrite(USAGE, change_body, times=-1)
    report = desk.read()
    assert totals(desk.rows(report)).cost == desk.api.bill(desk.account, "2026-01").total
    assert report.status is Status.PARTIEL
    (gap,) = report.gaps
    assert gap.sentence.fr.startswith("Il manque les tokens et les requêtes : ")
    assert said in gap.sentence.fr


def test_usage_that_never_ends_costs_itself_alone(desk: Desk) -> None:
    for number in range(20):
        body = {"data": [], "has_more": True, "next_page": f"page_{number}"}
        desk.fault(Kind.STATUS, USAGE, status=200, body=body)
    report = desk.read()
    assert totals(desk.rows(report)).cost == desk.api.bill(desk.account, "2026-01").total
    assert tuple(one.fr for one in report.missing) == (
        f"Il manque les tokens et les requêtes : {ROOT}{USAGE} annonce toujours une suite, mais 5 pages de suite "
        "n’apportent rien ; la lecture est arrêtée.",
    )


@pytest.mark.parametrize(
    ("path", "change_body", "said"),
    [
        (KEYS, lambda body: {**body, "data": [{"name": "no id"}]}, "data.0.id"),
        (WORKSPACES, change(data=[], has_more=True, last_id=None), "sans dire où"),
    ],
)
def test_names_that_break_the_contract_cost_no_figure(desk: Desk, path: str, change_body: Any, said: str) -> None:
    desk.rewrite(path, change_body, times=-1)
    report = desk.read()
    assert totals(desk.rows(report)).cost == desk.api.bill(desk.account, "2026-01").total
    assert (report.status, report.gaps) == (Status.SUCCES, ())
    (remark,) = remarks(report)
    assert said in remark


@pytest.mark.parametrize("status", [403, 404, 503])
def test_an_organization_that_can_not_be_asked_for_costs_nothing(desk: Desk, status: int) -> None:
    desk.fault(Kind.STATUS, ME, status=status, times=-1)
    report = desk.read()
    assert (report.organisation, report.status, remarks(report)) == (None, Status.SUCCES, [])
    agrees_with_bill(desk, JANUARY, report)


@pytest.mark.parametrize("month", [JANUARY, NOVEMBER], ids=str)
def test_one_odd_line_costs_itself_alone(desk: Desk, month: Month) -> None:
    def spoil(body: Any) -> Any:
        line = next(line for line in body["data"] if line.get("results", True))
        (line["results"][0] if "results" in line else line["usage"])["output_tokens"] = -4
        return body

    desk.rewrite(USAGE, spoil, times=-1)
    desk.rewrite(OLDER_USAGE, spoil, times=-1)
    report = desk.read(month)
    assert totals(desk.rows(report)).cost == desk.api.bill(desk.account, str(month)).total
    (what,) = report.dropped
    assert what.count == 1
    assert "output_tokens, attendu : un entier" in what.what.fr
    (sentence,) = report.missing
    assert sentence.fr.startswith("Une ligne illisible est laissée de côté dans les tokens")


@pytest.mark.parametrize("path", [OLDER_COST, OLDER_USAGE])
def test_days_that_did_not_come_are_missing(desk: Desk, path: str) -> None:
    desk.rewrite(path, lambda body: {**body, "data": body["data"][:20]}, times=-1)
    report = desk.read(NOVEMBER)
    assert report.days_read == (20 if path == OLDER_COST else 30)
    (sentence,) = report.missing
    assert sentence.fr.endswith(": 20 jours lus sur 30.")


def test_requests_that_were_not_all_counted_are_at_least_so_many(desk: Desk) -> None:
    def uncount(body: Any) -> Any:
        body["data"][0]["usage"]["requests"] = None
        return body

    desk.account.facts("2026-01")[:] = [fact for fact in desk.account.facts("2026-01") if fact.api_key_id]
    assert AT_LEAST not in [one.fr for one in desk.read().remarks]
    desk.rewrite(USAGE, uncount, times=-1)
    report = desk.read()
    assert AT_LEAST in [one.fr for one in report.remarks]
    rows = desk.rows(report)
    assert len([row for row in rows if AT_LEAST in row.log.fr]) == 1
    assert all(row.totals.requests for row in rows if AT_LEAST in row.log.fr)


def test_a_line_without_an_amount_is_free_where_the_total_agrees_without_it(desk: Desk) -> None:
    def free(body: Any) -> Any:
        line = {**body["data"][0], "cost": {"amount": None, "currency": "USD"}}
        return {**body, "data": [*body["data"], {**line, "group": {**line["group"], "model": "claude-free"}}]}

    desk.rewrite(COST, free, when=grouped, times=-1)
    report = desk.read()
    assert (report.status, report.missing_amounts) == (Status.SUCCES, 0)
    assert "Une ligne est sans montant ; le total d’Anthropic montre que rien n’y manque." in [
        one.fr for one in report.remarks
    ]


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        ("api_key_scope_missing", "scope", "il lui manque le droit de lire ce rapport"),
        (None, "IP address not allowed", "l’adresse de cette machine n’est pas dans la liste"),
        (None, "no", "et que l’organisation ait ce rapport"),
    ],
)
def test_a_refusal_says_what_is_refused(desk: Desk, code: str | None, message: str, words: str) -> None:
    error = {"type": "permission_error", "message": message, "details": {"error_code": code} if code else None}
    desk.fault(Kind.STATUS, "", status=403, body={"type": "error", "error": error}, times=-1)
    with pytest.raises(CredentialError) as caught:
        desk.read(NOVEMBER)
    assert words in caught.value.sentence.fr
    assert caught.value.sentence.fr.startswith(f"Anthropic refuse {ROOT}{OLDER_COST} à cette clé (HTTP 403) : ")


def test_a_report_that_is_not_for_this_organization_is_told_apart(desk: Desk) -> None:
    error = {"type": "invalid_request_error", "message": "…", "details": {"error_code": "organization_not_eligible"}}
    for path in (COST, USAGE):
        desk.fault(Kind.STATUS, path, status=400, body={"type": "error", "error": error}, times=-1)
    report = desk.read()
    assert report.coarse
    assert "n’est pas offert à cette organisation (HTTP 400)" in report.remarks[0].fr


def test_a_page_that_comes_twice_stops_the_source(desk: Desk) -> None:
    desk.api.page_size = 4
    first: list[Any] = []

    def repeat(body: Any) -> Any:
        first.append(body)
        return {**first[0], "next_page": body["next_page"]}

    desk.rewrite(COST, repeat, when=grouped, times=-1)
    with pytest.raises(ContractError, match="deux fois la même page"):
        desk.read()


def test_a_page_of_html_is_asked_for_once_more(desk: Desk) -> None:
    desk.fault(Kind.HTML, COST)
    agrees_with_bill(desk, JANUARY, desk.read())
    desk.fault(Kind.HTML, COST, times=2, when=grouped)
    with pytest.raises(ContractError, match="deux fois de suite une page HTML"):
        desk.read()


def test_a_token_without_more_is_the_end(desk: Desk) -> None:
    desk.rewrite(COST, change(has_more=False, next_page="page_x"), times=-1)
    agrees_with_bill(desk, JANUARY, desk.read())


def test_a_key_that_worked_in_one_workspace_alone_is_one_row(desk: Desk) -> None:
    desk.account.clear("2026-01")
    fact = desk.account.facts("2026-02")[0]
    desk.account.facts("2026-01").append(replace(fact, at=datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)))
    agrees_with_bill(desk, JANUARY, desk.read())


def test_check_of_a_good_key(desk: Desk) -> None:
    findings = desk.check()
    assert {verdict for verdict, _ in findings.values()} == {CheckStatus.OK}
    assert findings["organization"][1].en == "admin key of Memoways SA"
    assert findings["organization"][1].fr == "clé d’administration de Memoways SA"
    assert findings.keys() == {"organization", "costs", "usage", "workspace names", "key names"}
    assert desk.asked() == {"/me": 1, COST: 1, USAGE: 1, WORKSPACES: 1, KEYS: 1}
    verdict, sentence = desk.check(NOVEMBER)["costs"]
    assert (verdict, sentence.en) == (CheckStatus.OK, "readable, by workspace only")


@pytest.mark.parametrize("wrong_kind_status", [401, 403])
def test_check_of_a_key_of_the_wrong_kind(desk: Desk, wrong_kind_status: Any) -> None:
    desk.api.wrong_kind_status = wrong_kind_status
    desk.use_key(desk.account.workspace_key)
    findings = desk.check()
    assert findings["costs"][0] is findings["usage"][0] is CheckStatus.BAD
    assert "sk-ant-admin01" in findings["costs"][1].fr


def test_check_of_a_key_for_analytics_alone(desk: Desk) -> None:
    desk.use_key(desk.account.limited_key)
    assert {what: verdict for what, (verdict, _) in desk.check().items()} == {
        "organization": CheckStatus.WARNING,
        "costs": CheckStatus.OK,
        "usage": CheckStatus.OK,
        "workspace names": CheckStatus.WARNING,
        "key names": CheckStatus.WARNING,
    }


def test_check_without_the_newer_reports(desk: Desk) -> None:
    desk.api.absent |= {ROOT + COST, ROOT + USAGE}
    verdict, sentence = desk.check()["costs"]
    assert verdict is CheckStatus.WARNING
    assert "anciens rapports" in sentence.fr
    desk.api.absent |= {ROOT + OLDER_COST}
    assert desk.check()["costs"][0] is CheckStatus.BAD
    assert desk.check()["usage"][0] is CheckStatus.WARNING


def test_reports_can_be_kept_and_hold_no_key(desk: Desk) -> None:
    report = desk.read()
    text = report.model_dump_json()
    assert SourceReport.model_validate_json(text) == report
    assert desk.account.key not in text
    assert report.control is not None
    assert isinstance(report.control.total, Decimal)


# Answers that are not of the month


@pytest.mark.parametrize("instant", ["2025-12-01T00:00:00Z", "2026-01-01T00:00:00+02:00", 5])
@pytest.mark.parametrize(("path", "what"), [(USAGE, "tokens"), (COST, "costs")])
def test_a_line_from_before_the_month_is_missed(desk: Desk, path: str, what: str, instant: Any) -> None:
    desk.rewrite(path, moved(instant, 0), when=grouped, times=-1)
    report = desk.read()
    assert report.status is Status.PARTIEL
    (odd,) = [gap.sentence.en for gap in report.gaps if "unreadable" in gap.sentence.en]
    assert odd.startswith("One unreadable line is left out of the ")
    assert odd.endswith(": a line is of another month.")
    assert what in odd


@pytest.mark.parametrize("instant", ["2025-12-01T00:00:00Z", "2026-02-02T00:00:00Z", "2026-04-01T00:00:00Z"])
def test_an_answer_about_another_month_is_no_empty_one(desk: Desk, instant: str) -> None:
    desk.rewrite(USAGE, moved(instant), times=-1)
    report = desk.read()
    assert report.status is Status.PARTIEL
    assert any("another month" in gap.sentence.en or "other months" in gap.sentence.en for gap in report.gaps)
    desk.rewrite(COST, moved(instant), times=-1)
    with pytest.raises(ContractError, match=r"d’un autre mois|d’autres mois"):
        desk.read()


def test_the_day_after_an_empty_month_may_come_alone(desk: Desk) -> None:
    for path in (USAGE, COST):
        desk.rewrite(path, moved("2026-02-01T00:00:00Z"), times=-1)
    report = desk.read()
    assert (report.records, report.status) == ((), Status.SUCCES)

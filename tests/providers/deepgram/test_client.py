from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import yaml

from providers.reading import check_source, read_source
from providers.shared.checks import CheckResult, CheckStatus
from providers.shared.patience import Retry
from sandbox.deepgram import DeepgramApi
from sandbox.deepgram.world import Account
from sandbox.faults import Fault, Kind
from sandbox.server import Server
from usage.errors import ContractError, CredentialError, SourceError, TransientError
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import Kind as ThingKind
from usage.names import ProviderName, Source, Status
from usage.outcomes.report import GapKind, SourceReport
from usage.outcomes.rows import LabelledReport, UsageRow, build_rows, totals
from usage.outcomes.story import source_log
from usage.settings import Settings, load_settings

JANUARY = Month.parse("2026-01")
FEBRUARY = Month.parse("2026-02")
BILLING = "/billing/breakdown"
USAGE = "/usage/breakdown"


async def no_sleep(_: float) -> None:
    return


class Desk:
    """One server with the stand-in, and what a test asks of it."""

    def __init__(self, server: Server, api: DeepgramApi, now: datetime) -> None:
        self.server, self.api, self.now = server, api, now
        self.extra: dict[str, str] = {}

    def settings(self) -> Settings:
        return load_settings(self.server.environment() | {"LLM_USAGE_NOW": self.now.isoformat()} | self.extra, ())

    def account(self, name: str) -> Account:
        return next(account for account in self.api.accounts if account.name == name.upper())

    def read(self, name: str = "prod", month: Month = JANUARY) -> SourceReport:
        source = Source(provider=ProviderName.DEEPGRAM, account=name)
        return asyncio.run(read_source(self.settings(), source, month, retry=Retry(sleep=no_sleep)))

    def rows(self, report: SourceReport) -> dict[str, UsageRow]:
        settings = self.settings()
        reading = LabelledReport(report, settings.grains[ProviderName.DEEPGRAM], settings.label(report.source))
        return {row.key: row for row in build_rows([reading])[report.source]}

    def check(self, name: str = "prod") -> list[CheckResult]:
        source = Source(provider=ProviderName.DEEPGRAM, account=name)
        return asyncio.run(check_source(self.settings(), source, JANUARY))

    def use_key(self, name: str, key: str) -> None:
        self.extra[f"DEEPGRAM_API_KEY_{name.upper()}"] = key

    def fault(self, kind: Kind, path: str, **more: Any) -> Fault:
        return self.server.faults.add(Fault("deepgram", kind, path, **more))

    def rewrite(self, path: str, change: Callable[[Any], Any], **more: Any) -> Fault:
        return self.fault(Kind.REWRITE, path, rewrite=change, **more)


@pytest.fixture
def desk() -> Iterator[Desk]:
    now = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
    api = DeepgramApi(lambda: now)
    with Server([api]) as server:
        yield Desk(server, api, now)


def by_key(desk: Desk) -> None:
    desk.extra["DEEPGRAM_GRAIN"] = "api_key"


def grouped_by(*names: str) -> Callable[[Any, bytes], bool]:
    """The gate hands over one value of each parameter, the last: enough to tell the three tables apart."""
    return lambda query, _: query.get("grouping") in names and "accessor" not in query


def ungrouped(query: Any, _: bytes) -> bool:
    return "grouping" not in query


def change_rows(**fields: Any) -> Callable[[Any], Any]:
    return lambda body: {**body, "results": [{**row, **fields} for row in body["results"]]}


def agrees_with_bill(desk: Desk, name: str, month: Month, report: SourceReport) -> None:
    bill = desk.api.bill(desk.account(name), str(month))
    rows = desk.rows(report)
    assert rows.keys() == {row.key for row in bill.rows}
    for expected in bill.rows:
        row = rows[expected.key]
        assert row.name == expected.name
        assert row.workspace == name
        assert row.totals.cost == expected.cost
        assert row.totals.requests == expected.requests
        assert (row.totals.tokens_input, row.totals.tokens_output) == (expected.tokens_input, expected.tokens_output)
        assert {entry.name: entry.cost for entry in row.breakdown} == expected.models


@pytest.mark.parametrize("month", [JANUARY, FEBRUARY])
@pytest.mark.parametrize("name", ["prod", "labs"])
def test_rows_are_the_bill(desk: Desk, name: str, month: Month) -> None:
    report = desk.read(name, month)
    agrees_with_bill(desk, name, month, report)
    assert report.status is Status.SUCCES
    assert not report.gaps
    assert {row.status for row in desk.rows(report).values()} == {Status.SUCCES}


@pytest.mark.parametrize("month", [JANUARY, FEBRUARY])
@pytest.mark.parametrize("name", ["prod", "labs"])
def test_rows_of_keys_are_the_facts_of_keys(desk: Desk, name: str, month: Month) -> None:
    by_key(desk)
    report = desk.read(name, month)
    facts = desk.account(name).facts(str(month))
    rows = desk.rows(report)
    assert rows.keys() == {fact.accessor or "(sans clé API)" for fact in facts}
    for key, row in rows.items():
        mine = [fact for fact in facts if (fact.accessor or "(sans clé API)") == key]
        assert row.totals.cost == sum(fact.dollars for fact in mine if fact.line_item)
        assert row.totals.requests == sum(fact.requests for fact in mine)
        assert (row.totals.tokens_input or 0) == sum(fact.tokens_in for fact in mine)
        assert {row.workspace} == {fact.project for fact in mine}
        if key != "(sans clé API)":
            assert set(row.models) == {" + ".join(fact.models) for fact in mine if fact.models}
            units = Counter({"hours": Decimal(0)})
            for entry in row.breakdown:
                units.update(dict(entry.units))
            assert units["hours"] == sum(fact.total_hours for fact in mine if fact.models)
            assert units["characters"] == sum(fact.characters for fact in mine)
    bill = desk.api.bill(desk.account(name), str(month))
    summed = totals(rows.values())
    assert summed.cost == bill.total
    assert summed.requests == sum(row.requests or 0 for row in bill.rows)
    assert report.status is Status.SUCCES


@pytest.mark.parametrize("grain", ["project", "api_key"])
@pytest.mark.parametrize(
    "switches",
    [
        {"end_inclusive": False},
        {"sparse": True},
        {"counts_as_floats": True},
        {"unfiltered_keys": "all"},
        {"repeated_grouping": "last"},
        {"coarse_beyond": 32},
    ],
    ids=str,
)
def test_every_reading_of_the_api_gives_the_same_figures(desk: Desk, grain: str, switches: dict[str, Any]) -> None:
    desk.extra["DEEPGRAM_GRAIN"] = grain
    plain = desk.read("labs")
    for name, value in switches.items():
        setattr(desk.api, name, value)
    turned = desk.read("labs")
    assert set(turned.records) == set(plain.records)
    assert (turned.gaps, turned.control) == (plain.gaps, plain.control)
    assert {thing.id for thing in turned.things} >= {thing.id for thing in plain.things}


def test_models_as_text_are_the_same_models(desk: Desk) -> None:
    desk.api.models_as_text = True
    report = desk.read()
    agrees_with_bill(desk, "prod", JANUARY, report)


def test_the_day_after_the_month_is_left_out_whether_end_is_included_or_not(desk: Desk) -> None:
    lone = [fact for fact in desk.account("prod").facts("2026-02") if fact.at.date() == date(2026, 2, 1)]
    assert lone
    lone[0].dollars += 1_000_000
    agrees_with_bill(desk, "prod", JANUARY, desk.read())


def test_buckets_that_could_lie_across_two_months_stop_the_source(desk: Desk) -> None:
    desk.api.coarse_beyond = 27
    with pytest.raises(ContractError, match="jour par jour"):
        desk.read()


def test_months_before_billing_began_have_an_unknown_cost(desk: Desk) -> None:
    desk.api.billing_since = date(2026, 2, 1)
    report = desk.read()
    (row,) = desk.rows(report).values()
    assert row.totals.cost is None
    assert row.totals.requests
    assert row.status is report.status is Status.DONNEES_INDISPONIBLES
    assert [gap.kind for gap in report.gaps] == [GapKind.UNAVAILABLE]
    assert report.control is None
    agrees_with_bill(desk, "prod", JANUARY, report)


def test_a_project_without_money_does_not_spoil_the_rows_of_the_others(desk: Desk) -> None:
    lab, twin = desk.account("labs").projects[:2]
    desk.rewrite(f"{twin.id}{BILLING}", lambda body: {**body, "results": []}, times=-1)
    report = desk.read("labs")
    rows = desk.rows(report)
    assert rows[lab.id].status is Status.SUCCES
    assert rows[twin.id].status is Status.DONNEES_INDISPONIBLES
    assert rows[twin.id].totals.cost is None
    assert report.status is Status.DONNEES_INDISPONIBLES


@pytest.mark.parametrize("shape", [None, "text", "code", "category"])
@pytest.mark.parametrize("grain", ["project", "api_key"])
def test_a_member_key_brings_usage_and_says_what_to_do_about_the_money(desk: Desk, shape: Any, grain: str) -> None:
    desk.extra["DEEPGRAM_GRAIN"] = grain
    desk.api.scope_refusal = shape
    desk.use_key("prod", desk.account("prod").member_key)
    report = desk.read()
    (gap,) = report.gaps
    assert (gap.kind, gap.passing) == (GapKind.MISSING, False)
    assert "billing:read" in str(gap.sentence)
    assert "admin" in str(gap.sentence)
    assert report.status is Status.PARTIEL
    rows = desk.rows(report).values()
    assert {row.status for row in rows} == {Status.PARTIEL}
    assert all(gap.sentence.fr in row.log.fr for row in rows)
    expected = desk.api.bill(desk.account("prod"), "2026-01").rows[0]
    assert totals(rows).cost is None
    assert totals(rows).requests == expected.requests
    assert report.control is None


def test_a_key_without_usage_and_money_is_a_key_to_replace(desk: Desk) -> None:
    desk.use_key("prod", desk.account("prod").limited_key)
    with pytest.raises(CredentialError, match=":read"):
        desk.read()


def test_a_wrong_key_says_so_and_never_shows_itself(desk: Desk) -> None:
    desk.use_key("prod", "sandboxnotakey")
    with pytest.raises(CredentialError, match="ne reconnaît pas la clé") as caught:
        desk.read()
    assert "sandboxnotakey" not in str(caught.value)
    assert len(desk.server.journal.requests("deepgram")) == 1


def test_a_key_that_sees_no_project_is_no_empty_month(desk: Desk) -> None:
    desk.rewrite("/projects$", lambda _: {"projects": []})
    with pytest.raises(CredentialError, match="aucun projet"):
        desk.read()


def test_a_project_listed_twice_is_counted_once(desk: Desk) -> None:
    desk.rewrite("/projects$", lambda body: {"projects": body["projects"] * 2})
    agrees_with_bill(desk, "prod", JANUARY, desk.read())


@pytest.mark.parametrize("status", [403, 404])
def test_a_project_that_the_key_may_not_read_is_a_gap_of_its_own(desk: Desk, status: Any) -> None:
    desk.api.stranger_status = status
    stranger = desk.account("labs").projects[0].id
    desk.rewrite("/projects$", lambda b: {"projects": [*b["projects"], {"project_id": stranger, "name": "Other"}]})
    report = desk.read()
    (gap,) = report.gaps
    assert gap.kind is GapKind.MISSING
    assert stranger in str(gap.sentence)
    assert report.status is Status.PARTIEL
    (row,) = desk.rows(report).values()
    assert row.status is Status.SUCCES
    assert row.totals.cost == desk.api.bill(desk.account("prod"), "2026-01").total


@pytest.mark.parametrize("odd", ["two\nlines", "a/../b?c=d#e", "x" * 70_000], ids=["lines", "path", "long"])
def test_an_id_that_makes_no_plain_address(desk: Desk, odd: str) -> None:
    def change(body: Any) -> Any:
        return {**body, "projects": [*body["projects"], {**body["projects"][0], "project_id": odd}]}

    desk.rewrite("/projects$", change, times=-1)
    report = desk.read()
    assert report.status is Status.PARTIEL
    assert desk.rows(report)


def test_a_project_of_which_nothing_is_offered_does_not_pass_for_empty(desk: Desk) -> None:
    lab, twin = desk.account("labs").projects[:2]
    desk.fault(Kind.STATUS, twin.id, status=404, times=-1)
    report = desk.read("labs")
    assert [(gap.kind, gap.within) for gap in report.gaps] == [(GapKind.MISSING, twin.id)]
    rows = desk.rows(report)
    assert rows.keys() == {lab.id}
    assert rows[lab.id].status is Status.SUCCES


@pytest.mark.parametrize("end", [BILLING, USAGE])
def test_a_breakdown_that_is_not_offered_is_unavailable(desk: Desk, end: str) -> None:
    desk.api.absent = {end}
    report = desk.read()
    assert report.status is Status.DONNEES_INDISPONIBLES
    (row,) = desk.rows(report).values()
    assert (row.totals.cost is None) == (end == BILLING)
    assert (row.totals.requests is None) == (end == USAGE)


@pytest.mark.parametrize("absent", [{"/projects"}, {BILLING, USAGE}])
def test_an_address_that_is_not_deepgram_s_is_an_error_and_not_an_empty_month(desk: Desk, absent: set[str]) -> None:
    desk.api.absent = absent
    with pytest.raises(ContractError, match="DEEPGRAM_BASE_URL"):
        desk.read()


def test_names_come_from_the_registry_as_they_are(desk: Desk) -> None:
    by_key(desk)
    report = desk.read("labs")
    account = desk.account("labs")
    known = {(thing.kind, thing.id): thing.name for thing in report.things}
    for project in account.projects:
        assert known[ThingKind.PROJECT, project.id] == project.name
        for key in project.keys:
            assert known[ThingKind.API_KEY, key.id] == key.comment
    # The key that has no comment is named by its id.
    nameless = next(key.id for project in account.projects for key in project.keys if key.comment is None)
    assert desk.rows(report)[nameless].name == nameless


def test_a_deleted_key_keeps_its_id(desk: Desk) -> None:
    by_key(desk)
    report = desk.read()
    listed = {thing.id for thing in report.things}
    deleted = {record.api_key for record in report.records if record.api_key} - listed
    assert len(deleted) == 1
    (key,) = deleted
    assert desk.rows(report)[key].name == key


def test_names_of_keys_that_can_not_be_read_are_replaced_by_ids_alone(desk: Desk) -> None:
    by_key(desk)
    plain = desk.read()
    desk.api.absent = {"/keys"}
    report = desk.read()
    assert report.records == plain.records
    assert report.status is Status.SUCCES
    assert any("identifiants" in str(remark) for remark in report.remarks)
    assert all(row.name == row.key for row in desk.rows(report).values())


def test_the_running_month_is_read_up_to_now_and_not_controlled(desk: Desk) -> None:
    report = desk.read(month=FEBRUARY)
    assert report.data_until == desk.now
    assert (report.control, report.provisional) == (None, False)
    ends = {dict(parse_qsl(request.query)).get("end") for request in desk.server.journal.requests("deepgram")}
    assert ends == {None, "2026-02-15"}


@pytest.mark.parametrize(("day", "provisional"), [(1, True), (3, True), (4, False)])
def test_a_month_that_has_just_ended_is_provisional(desk: Desk, day: int, provisional: bool) -> None:
    desk.now = datetime(2026, 2, day, tzinfo=UTC)
    report = desk.read()
    assert report.provisional is provisional
    assert report.data_until is None


def test_an_empty_month_is_empty_without_being_proven_so(desk: Desk) -> None:
    desk.account("prod").clear("2026-01")
    report = desk.read()
    assert (report.records, report.gaps, report.control) == ((), (), None)
    assert report.status is Status.SUCCES
    assert not report.empty_proven


def test_the_control_total_is_deepgram_s_own(desk: Desk) -> None:
    report = desk.read("labs")
    assert report.control is not None
    assert report.control.agrees
    assert report.control.total == report.control.summed == desk.api.bill(desk.account("labs"), "2026-01").total


def test_a_control_total_that_disagrees_once_is_read_again(desk: Desk) -> None:
    desk.rewrite(BILLING, change_rows(dollars=1.0), when=ungrouped)
    report = desk.read()
    assert report.control is not None
    assert report.control.agrees
    assert report.status is Status.SUCCES
    assert len(desk.server.journal.requests("deepgram", path=BILLING)) == 4


def test_a_control_total_that_keeps_disagreeing_is_told(desk: Desk) -> None:
    desk.rewrite(BILLING, change_rows(dollars=1.0), when=ungrouped, times=-1)
    report = desk.read()
    assert report.control is not None
    assert not report.control.agrees
    assert [(gap.kind, gap.passing) for gap in report.gaps] == [(GapKind.MISSING, False)]
    assert totals(desk.rows(report).values()).cost == desk.api.bill(desk.account("prod"), "2026-01").total


@pytest.mark.parametrize(
    "trouble",
    [
        {"kind": Kind.STATUS, "status": 500},
        {"kind": Kind.STATUS, "status": 404},
        {"kind": Kind.HTML},
        {"kind": Kind.REWRITE, "rewrite": lambda body: {**body, "results": [{"dollars": 2.5}]}},
        {"kind": Kind.REWRITE, "rewrite": lambda _: {"start": 1, "results": [{"dollars": 2.5, "grouping": {}}]}},
        {"kind": Kind.REWRITE, "rewrite": lambda body: {**body, "results": [{"dollars": 1.0}, *body["results"]]}},
        {"kind": Kind.REWRITE, "rewrite": lambda body: {**body, "resolution": {"units": "month", "amount": 1}}},
        {"kind": Kind.REWRITE, "rewrite": lambda body: {"total": body}},
    ],
    ids=["500", "404", "html", "no day", "nothing but dollars", "one without a day", "coarse", "another shape"],
)
def test_without_the_control_total_the_figures_are_just_not_checked(desk: Desk, trouble: dict[str, Any]) -> None:
    desk.fault(path=BILLING, when=ungrouped, times=-1, **trouble)
    report = desk.read()
    assert report.control is None
    assert report.status is Status.SUCCES
    assert any("n’ont pas été comparées" in str(remark) for remark in report.remarks)
    agrees_with_bill(desk, "prod", JANUARY, report)


def test_a_second_reading_that_fails_leaves_the_first(desk: Desk) -> None:
    desk.rewrite(BILLING, change_rows(dollars=1.0), when=ungrouped, times=-1)
    asked = 0

    def second(query: Any, _: bytes) -> bool:
        nonlocal asked
        asked += "grouping" in query
        return "grouping" in query and asked > 1

    desk.fault(Kind.STATUS, BILLING, status=500, when=second, times=-1)
    report = desk.read()
    assert [gap.kind for gap in report.gaps] == [GapKind.MISSING]
    assert totals(desk.rows(report).values()).cost == desk.api.bill(desk.account("prod"), "2026-01").total


@pytest.mark.parametrize("change", [change_rows(dollars=None), lambda body: without(body, "dollars")])
def test_lines_without_any_dollars_are_a_contract_and_not_a_fault(desk: Desk, change: Callable[[Any], Any]) -> None:
    desk.rewrite(BILLING, change, times=-1)
    report = desk.read()
    assert report.status is Status.DONNEES_INDISPONIBLES
    assert report.missing == ()
    assert report.control is None
    (row,) = desk.rows(report).values()
    assert row.totals.cost is None
    assert row.totals.requests == desk.api.bill(desk.account("prod"), "2026-01").rows[0].requests
    assert "0,00" not in str(source_log(report, totals([row]).cost, 1))


def without(body: Any, field: str) -> Any:
    return {**body, "results": [{k: v for k, v in row.items() if k != field} for row in body["results"]]}


def test_billing_that_begins_after_the_usage_is_said(desk: Desk) -> None:
    desk.api.billing_since = date(2026, 1, 12)
    report = desk.read()
    first = min(fact.at.date() for fact in desk.account("prod").facts("2026-01") if fact.models)
    late = [remark for remark in map(str, report.remarks) if "commence le" in remark]
    assert len(late) == 1
    assert f"commence le {first}" in late[0]
    assert "sa facturation le 2026-01-1" in late[0]
    assert all("sa facturation le 2026-01-1" in str(row.log) for row in desk.rows(report).values())
    by_key(desk)
    assert all("sa facturation le 2026-01-1" in str(row.log) for row in desk.rows(desk.read()).values())
    desk.extra.clear()
    desk.api.billing_since = None
    assert not any("commence le" in str(remark) for remark in desk.read().remarks)


def test_days_are_counted_from_the_answers(desk: Desk) -> None:
    assert desk.read().days_read == 31
    desk.rewrite(BILLING, lambda body: {**body, "end": "2026-01-20"}, times=-1)
    report = desk.read()
    assert report.days_read == 20
    assert [gap.kind for gap in report.gaps] == [GapKind.MISSING]
    assert "20 jours lus sur 31" in str(report.gaps[0].sentence)
    assert desk.read(month=FEBRUARY).days_read is None


def test_a_total_that_covers_some_projects_alone_is_not_shown(desk: Desk) -> None:
    twin = desk.account("labs").projects[1].id
    desk.fault(Kind.STATUS, f"{twin}{BILLING}", status=500, when=ungrouped, times=-1)
    assert desk.read("labs").control is None


def test_lines_of_zero_dollars_alone_are_remarked(desk: Desk) -> None:
    desk.rewrite(BILLING, change_rows(dollars=0), times=-1)
    report = desk.read()
    assert any("0 USD" in str(remark) for remark in report.remarks)
    assert totals(desk.rows(report).values()).cost == 0


def models_table(query: Any, _: bytes) -> bool:
    return bool(query.get("grouping") == "models")


@pytest.mark.parametrize("grain", ["project", "api_key"])
def test_two_tables_that_disagree_are_read_again_and_the_one_that_equals_the_whole_stands(
    desk: Desk, grain: str
) -> None:
    desk.extra["DEEPGRAM_GRAIN"] = grain
    plain = desk.read()
    requests = totals(desk.rows(plain).values()).requests
    assert requests is not None
    by_model = change_rows(requests=1_000_000)
    desk.rewrite(USAGE, by_model, when=models_table)
    assert totals(desk.rows(desk.read()).values()).requests == requests
    desk.rewrite(USAGE, by_model, when=models_table, times=-1)
    report = desk.read()
    assert report.status is Status.SUCCES
    assert any("dépasse son total" in str(remark) for remark in report.remarks)
    rows = desk.rows(report).values()
    assert totals(rows).requests == requests
    assert not any(row.models for row in rows)


@pytest.mark.parametrize("grain", ["project", "api_key"])
@pytest.mark.parametrize("arbiter", [True, False])
def test_usage_without_a_model_is_counted_without_one(desk: Desk, grain: str, arbiter: bool) -> None:
    desk.extra["DEEPGRAM_GRAIN"] = grain
    plain = desk.rows(desk.read())

    def nameless(body: Any) -> Any:
        return {**body, "results": body["results"][1:]}

    desk.rewrite(USAGE, nameless, when=models_table, times=-1)
    if not arbiter:
        desk.fault(Kind.STATUS, USAGE, status=404, when=ungrouped, times=-1)
    report = desk.read()
    rows = desk.rows(report)
    assert report.status is Status.SUCCES
    assert {key: row.totals for key, row in rows.items()} == {key: row.totals for key, row in plain.items()}
    nobody = [entry for row in rows.values() for entry in row.breakdown if entry.name == "(sans modèle)"]
    assert nobody
    assert any("(sans modèle)" in str(remark) for remark in report.remarks)
    assert any("n’a pas pu être lu" in str(remark) for remark in report.remarks) != arbiter


def test_usage_that_the_table_by_key_lacks_is_counted(desk: Desk) -> None:
    whole = desk.rows(desk.read())

    def keyed_only(body: Any) -> Any:
        return {**body, "results": body["results"][2:]}

    desk.rewrite(USAGE, keyed_only, when=grouped_by("accessor"), times=-1)
    report = desk.read()
    assert report.status is Status.SUCCES
    assert {key: row.totals for key, row in desk.rows(report).items()} == {k: row.totals for k, row in whole.items()}
    by_key(desk)
    report = desk.read()
    rows = desk.rows(report)
    assert totals(rows.values()).requests == totals(whole.values()).requests
    assert report.status is Status.SUCCES


def test_usage_without_a_key_that_no_table_by_key_tells_is_counted_under_none(desk: Desk) -> None:
    by_key(desk)
    plain = totals(desk.rows(desk.read()).values())

    def one_more(body: Any) -> Any:
        group = {**body["results"][0]["grouping"], "start": "2026-01-05", "end": "2026-01-05"}
        return {**body, "results": [*body["results"], {"requests": 10, "total_hours": 0.5, "grouping": group}]}

    desk.rewrite(USAGE, one_more, when=ungrouped, times=-1)
    report = desk.read()
    rows = desk.rows(report)
    assert report.status is Status.SUCCES
    assert totals(rows.values()).requests == (plain.requests or 0) + 10
    assert "(sans clé API)" in rows
    assert any("(sans clé API)" in str(remark) for remark in report.remarks)


@pytest.mark.parametrize("grain", ["project", "api_key"])
def test_tables_of_which_neither_equals_the_whole_are_a_gap(desk: Desk, grain: str) -> None:
    desk.extra["DEEPGRAM_GRAIN"] = grain
    requests = totals(desk.rows(desk.read()).values()).requests
    desk.rewrite(USAGE, change_rows(requests=1_000_000), when=models_table, times=-1)
    desk.rewrite(USAGE, change_rows(requests=1), when=ungrouped, times=-1)
    report = desk.read()
    assert [(gap.kind, gap.passing) for gap in report.gaps] == [(GapKind.MISSING, False)]
    assert totals(desk.rows(report).values()).requests == requests


def test_a_table_by_key_without_anything_does_not_take_the_usage_away(desk: Desk) -> None:
    desk.rewrite(USAGE, lambda body: {**body, "results": []}, when=grouped_by("accessor"), times=-1)
    report = desk.read()
    assert report.status is Status.SUCCES
    assert (
        totals(desk.rows(report).values()).requests == desk.api.bill(desk.account("prod"), "2026-01").rows[0].requests
    )


def test_the_tables_are_not_compared_while_the_month_runs(desk: Desk) -> None:
    desk.rewrite(USAGE, change_rows(requests=1), when=grouped_by("accessor"), times=-1)
    report = desk.read(month=FEBRUARY)
    assert report.status is Status.SUCCES
    agrees_with_bill(desk, "prod", FEBRUARY, report)


def test_rows_of_projects_can_do_without_the_table_by_key(desk: Desk) -> None:
    desk.fault(Kind.STATUS, USAGE, status=503, when=grouped_by("accessor"), times=-1)
    report = desk.read()
    agrees_with_bill(desk, "prod", JANUARY, report)
    assert report.status is Status.SUCCES
    assert any("comparé" in str(remark) for remark in report.remarks)


def test_without_the_table_by_model_the_sums_stay(desk: Desk) -> None:
    desk.fault(Kind.STATUS, USAGE, status=503, when=grouped_by("models"), times=-1)
    report = desk.read()
    assert [(gap.kind, gap.passing) for gap in report.gaps] == [(GapKind.MISSING, True)]
    (row,) = desk.rows(report).values()
    assert row.models == ()
    assert row.totals.requests == desk.api.bill(desk.account("prod"), "2026-01").rows[0].requests


def test_a_key_whose_models_can_not_be_read_keeps_its_sums(desk: Desk) -> None:
    by_key(desk)
    plain = desk.rows(desk.read())
    lost = desk.account("prod").projects[0].keys[0].id
    desk.fault(Kind.STATUS, USAGE, status=503, when=lambda query, _: query.get("accessor") == lost, times=-1)
    report = desk.read()
    rows = desk.rows(report)
    assert report.status is Status.PARTIEL
    assert {key: row.totals for key, row in rows.items()} == {key: row.totals for key, row in plain.items()}
    assert rows[lost].models == ()
    assert all(rows[key].models == plain[key].models for key in rows if key != lost)


def test_rows_of_keys_can_not_do_without_the_table_by_key(desk: Desk) -> None:
    by_key(desk)
    desk.fault(Kind.STATUS, USAGE, status=503, when=grouped_by("accessor"), times=-1)
    report = desk.read()
    assert [(gap.kind, gap.passing) for gap in report.gaps] == [(GapKind.MISSING, True)]
    assert totals(desk.rows(report).values()).requests is None


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": Kind.STATUS, "status": 429},
        {"kind": Kind.STATUS, "status": 500, "body": "<html>oops</html>"},
        {"kind": Kind.CUT_BEFORE},
        {"kind": Kind.TRUNCATE},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/projects$", BILLING, USAGE])
def test_what_passes_is_waited_for(desk: Desk, fault: dict[str, Any], path: str) -> None:
    desk.fault(**fault, path=path, times=2)
    agrees_with_bill(desk, "prod", JANUARY, desk.read())


def test_money_that_stays_away_leaves_the_usage(desk: Desk) -> None:
    desk.fault(Kind.STATUS, BILLING, status=503, times=-1)
    report = desk.read()
    assert [(gap.kind, gap.passing) for gap in report.gaps] == [(GapKind.MISSING, True)]
    assert "les coûts" in str(report.gaps[0].sentence)
    assert totals(desk.rows(report).values()).requests


def test_nothing_at_all_is_a_failure_that_waiting_may_mend(desk: Desk) -> None:
    desk.fault(Kind.STATUS, "/projects", status=503, times=-1)
    with pytest.raises(TransientError):
        desk.read()


@pytest.mark.parametrize(
    "drift",
    [
        lambda body: {**body, "resolution": "day"},
        lambda body: {**body, "results": {}},
        lambda body: {"data": body["results"]},
        lambda _: [],
    ],
)
@pytest.mark.parametrize("path", [BILLING, USAGE])
def test_an_answer_of_another_shape_stops_the_source(desk: Desk, drift: Any, path: str) -> None:
    desk.rewrite(path, drift, times=-1)
    with pytest.raises(ContractError):
        desk.read("labs")


@pytest.mark.parametrize("path", ["/projects$", BILLING, USAGE])
def test_a_page_of_html_stops_the_source(desk: Desk, path: str) -> None:
    by_key(desk)
    desk.fault(Kind.HTML, path, times=-1)
    with pytest.raises(ContractError, match="HTML"):
        desk.read()


def test_a_page_of_html_that_comes_once_is_asked_for_again(desk: Desk) -> None:
    for path in ("/projects$", BILLING, USAGE):
        desk.fault(Kind.HTML, path)
    agrees_with_bill(desk, "prod", JANUARY, desk.read())


def test_keys_of_one_project_that_can_not_be_listed_cost_their_names_alone(desk: Desk) -> None:
    by_key(desk)
    plain = desk.rows(desk.read("labs"))
    lab = desk.account("labs").projects[0]
    desk.fault(Kind.HTML, f"{lab.id}/keys", times=-1)
    report = desk.read("labs")
    rows = desk.rows(report)
    assert report.status is Status.SUCCES
    assert {key: row.totals for key, row in rows.items()} == {key: row.totals for key, row in plain.items()}
    assert any("noms des clés" in str(remark) for remark in report.remarks)
    assert any(row.name != row.key for row in rows.values())


def test_what_the_api_grows_is_ignored(desk: Desk) -> None:
    desk.rewrite("", lambda body: {**body, "next_generation": {"a": 1}}, times=-1)
    agrees_with_bill(desk, "prod", JANUARY, desk.read())
    desk.server.faults.clear()
    desk.rewrite(USAGE, change_rows(video_hours=3.5), times=-1)
    report = desk.read()
    agrees_with_bill(desk, "prod", JANUARY, report)
    (new,) = report.new_fields
    assert str(new.what).endswith("/usage/breakdown video_hours")
    assert new.count > 1


def test_an_amount_that_is_missing_is_counted_and_shown(desk: Desk) -> None:
    def lose_one(body: Any) -> Any:
        del body["results"][0]["dollars"]
        return body

    desk.rewrite(BILLING, lose_one, when=lambda query, _: "grouping" in query, times=-1)
    report = desk.read()
    assert report.missing_amounts == 1
    (row,) = desk.rows(report).values()
    assert row.status is Status.PARTIEL


@pytest.mark.parametrize(("grain", "name", "most"), [("project", "prod", 5), ("api_key", "prod", 7 + 3)])
def test_a_month_takes_no_more_requests_than_it_has_to(desk: Desk, grain: str, name: str, most: int) -> None:
    desk.extra["DEEPGRAM_GRAIN"] = grain
    report = desk.read(name)
    requests = desk.server.journal.requests("deepgram")
    assert report.requests == report.pages == len(requests) == most
    assert {request.method for request in requests} == {"GET"}
    key = desk.account(name).key
    assert {request.header("authorization") for request in requests} == {f"Token {key}"}


@pytest.mark.parametrize("grain", ["project", "api_key"])
def test_several_projects_cost_as_many_requests_as_there_are(desk: Desk, grain: str) -> None:
    desk.extra["DEEPGRAM_GRAIN"] = grain
    report = desk.read("labs")
    projects = len(desk.account("labs").projects)
    keys = len({record.api_key for record in report.records if record.api_key})
    if grain == "project":
        # Projects; then for each lines, total, usage by key and by model. Keys are of no use.
        assert report.requests == 1 + 4 * projects
    else:
        # By model for each key in place of by model, and without groups; keys of two projects, the expired ones of one.
        assert report.requests == 1 + 4 * projects + keys + 3


def test_requests_are_those_of_the_published_description(desk: Desk, shared: Path) -> None:
    spec = yaml.safe_load((shared / "specs/deepgram.yaml").read_text())
    by_key(desk)
    desk.read("labs")
    desk.extra.clear()
    desk.read("labs")
    desk.check("labs")
    for request in desk.server.journal.requests("deepgram"):
        _, _, _, *rest = ("/v1" + request.path.split("/v1", 1)[-1]).split("/")
        template = "/".join(["", "v1", "projects", *(["{project_id}"] if rest else []), *rest[1:]])
        declared = {p["name"]: p["schema"] for p in spec["paths"][template]["get"]["parameters"]}
        for name, value in parse_qsl(request.query):
            schema = declared[name]
            schema = schema.get("items", schema)
            if "$ref" in schema:
                schema = spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
            assert value in schema.get("enum", [value])
            if schema.get("format") == "date":
                date.fromisoformat(value)


def test_the_story_is_french_and_holds_no_secret(desk: Desk) -> None:
    desk.use_key("labs", desk.account("labs").member_key)
    report = desk.read("labs")
    rows = desk.rows(report)
    said = [source_log(report, totals(rows.values()).cost, len(rows)), *(row.log for row in rows.values())]
    told = " ".join(one.fr for one in said)
    assert "La clé voit 3 projets." in told
    for account in desk.api.accounts:
        assert account.key not in told
        assert account.member_key not in told
    assert "?" not in told
    assert "example" not in repr(report)


def test_all_is_told_in_both_languages(desk: Desk, in_both_languages: Callable[[Iterable[Sentence]], None]) -> None:
    desk.api.billing_since = date(2026, 1, 12)
    desk.use_key("labs", desk.account("labs").member_key)
    for name in ("prod", "labs"):
        report, findings = desk.read(name), desk.check(name)
        assert desk.rows(report)
        in_both_languages(
            [
                *(gap.sentence for gap in report.gaps),
                *report.remarks,
                report.row_note,
                *(note.sentence for note in report.row_notes),
                *(one.sentence for one in findings),
            ]
        )


def verdicts(findings: list[CheckResult]) -> dict[str, CheckStatus]:
    return {finding.what.en: finding.status for finding in findings}


def test_check_tries_each_thing_the_job_needs(desk: Desk) -> None:
    assert set(verdicts(desk.check()).values()) == {CheckStatus.OK}
    assert len(desk.server.journal.requests("deepgram")) == 3
    by_key(desk)
    assert verdicts(desk.check())["key names"] is CheckStatus.OK


def test_check_says_what_a_member_key_lacks(desk: Desk) -> None:
    desk.use_key("labs", desk.account("labs").member_key)
    findings = {finding.what.en: finding for finding in desk.check("labs")}
    assert findings["costs"].status is CheckStatus.BAD
    assert "billing:read" in str(findings["costs"].sentence)
    assert findings["usage"].status is CheckStatus.OK


def test_check_says_what_a_limited_key_lacks(desk: Desk) -> None:
    by_key(desk)
    desk.use_key("labs", desk.account("labs").limited_key)
    assert verdicts(desk.check("labs")) == {
        "projects and their names": CheckStatus.OK,
        "costs": CheckStatus.BAD,
        "usage": CheckStatus.BAD,
        "key names": CheckStatus.WARNING,
    }


def test_check_stops_at_a_wrong_key(desk: Desk) -> None:
    desk.use_key("prod", "sandboxnotakey")
    (finding,) = desk.check()
    assert finding.status is CheckStatus.BAD
    assert len(desk.server.journal.requests("deepgram")) == 1


def test_every_error_is_one_sentence_without_address(desk: Desk) -> None:
    for kind, more in ((Kind.STATUS, {"status": 400}), (Kind.STATUS, {"status": 403}), (Kind.HTML, {})):
        desk.server.faults.clear()
        desk.fault(kind, "", times=-1, **more)
        with pytest.raises(SourceError) as caught:
            desk.read()
        assert "http://" not in str(caught.value.sentence)
        assert "start=" not in str(caught.value.sentence)

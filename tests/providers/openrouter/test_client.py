from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import yaml
from jsonschema import Draft202012Validator

from providers.reading import check_source, read_source
from providers.shared.checks import CheckResult, CheckStatus
from providers.shared.patience import Retry
from sandbox.faults import Fault, Kind
from sandbox.openrouter import OpenRouterApi
from sandbox.openrouter.world import Account
from sandbox.server import Server
from sandbox.shared.bill import BillRow
from usage.errors import ContractError, CredentialError, SourceError, TransientError
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import Kind as ThingKind
from usage.names import ProviderName, Source, Status
from usage.outcomes.report import GapKind, SourceReport
from usage.outcomes.rows import LabelledReport, UsageRow, build_rows, totals
from usage.outcomes.story import source_log
from usage.settings import Settings, load_settings

SOURCE = Source(provider=ProviderName.OPENROUTER)
JANUARY = Month.parse("2026-01")
FEBRUARY = Month.parse("2026-02")
QUERY = "/analytics/query"
Ask = Callable[[Mapping[str, str], bytes], bool]


async def no_sleep(_: float) -> None:
    return


class Desk:
    """One server with the stand-in, and what a test asks of it."""

    def __init__(self, server: Server, api: OpenRouterApi, clock: list[datetime]) -> None:
        self.server, self.api, self.clock = server, api, clock
        self.extra: dict[str, str] = {}

    @property
    def account(self) -> Account:
        return self.api.accounts[0]

    def settings(self) -> Settings:
        environment = self.server.environment() | {"LLM_USAGE_NOW": self.clock[0].isoformat()} | self.extra
        return load_settings(environment, ())

    def read(self, month: Month = JANUARY) -> SourceReport:
        return asyncio.run(read_source(self.settings(), SOURCE, month, retry=Retry(sleep=no_sleep)))

    def rows(self, report: SourceReport) -> tuple[UsageRow, ...]:
        return build_rows([LabelledReport(report, self.settings().grains[ProviderName.OPENROUTER], "")])[SOURCE]

    def check(self) -> dict[str, CheckResult]:
        return {found.what.en: found for found in asyncio.run(check_source(self.settings(), SOURCE, JANUARY))}

    def workspace(self, slug: str) -> str:
        return next(item.id for item in self.account.workspaces if item.slug == slug)

    def key(self, name: str) -> str:
        return next(key.hash for key in self.account.keys if key.name == name)

    def log(self, report: SourceReport) -> str:
        return str(source_log(report, totals(self.rows(report)).cost, len(self.rows(report))))

    def fault(self, kind: Kind, path: str, **more: Any) -> Fault:
        return self.server.faults.add(Fault("openrouter", kind, path, **more))

    def rewrite(self, path: str, change: Callable[[Any], Any], **more: Any) -> Fault:
        return self.fault(Kind.REWRITE, path, rewrite=change, **more)

    def asked(self) -> Counter[str]:
        paths = [request.path.removeprefix(self.api.mount) for request in self.server.journal.requests("openrouter")]
        return Counter(paths)

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.server.journal.requests("openrouter", path=QUERY)]


@pytest.fixture
def desk() -> Iterator[Desk]:
    clock = [datetime(2026, 2, 14, 15, 30, tzinfo=UTC)]
    api = OpenRouterApi(lambda: clock[0])
    with Server([api]) as server:
        yield Desk(server, api, clock)


def as_billed(row: UsageRow) -> BillRow:
    key = "" if row.key.startswith("(") else row.key
    return BillRow(
        workspace=row.workspace,
        key=key,
        name=None,
        cost=row.totals.cost,
        tokens_input=row.totals.tokens_input,
        tokens_output=row.totals.tokens_output,
        requests=row.totals.requests,
        models={entry.name: entry.cost for entry in row.breakdown},
    )


def nameless(row: BillRow) -> tuple[object, ...]:
    models = tuple(sorted((name, cost) for name, cost in row.models.items()))
    return (row.workspace, row.key, row.cost, row.tokens_input, row.tokens_output, row.requests, models)


def assert_billed(desk: Desk, report: SourceReport, month: Month = JANUARY) -> None:
    billed = {nameless(row) for row in desk.api.bill(desk.account, str(month)).rows}
    assert {nameless(as_billed(row)) for row in desk.rows(report)} == billed


def is_total(query: Mapping[str, str], body: bytes) -> bool:
    return "dimensions" not in json.loads(body)


def has_filter(field: str, operator: str = "eq") -> Ask:
    def fits(query: Mapping[str, str], body: bytes) -> bool:
        return any((f["field"], f["operator"]) == (field, operator) for f in json.loads(body).get("filters", ()))

    return fits


def of_workspace(workspace: str) -> Ask:
    return lambda query, body: workspace in query.get("workspace_id", "") or f'"{workspace}"'.encode() in body


def in_rows(change: Callable[[dict[str, Any]], object]) -> Callable[[Any], Any]:
    def edit(answer: Any) -> Any:
        for row in answer["data"]["data"]:
            change(row)
        return answer

    return edit


def in_answer(**fields: Any) -> Callable[[Any], Any]:
    return lambda answer: {"data": {**answer["data"], **fields}}


def one_more_request(row: dict[str, Any]) -> None:
    row["request_count"] = str(int(row["request_count"]) + 1)


def one_odd_row(body: Any) -> Any:
    body["data"]["data"][0]["request_count"] = "many"
    return body


# --- what a month comes to


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"end_inclusive": True},
        {"counts_as_text": False},
        {"time_column": "created_at"},
        {"time_form": "iso"},
        {"merge_labels": True},
        {"no_key_label": ""},
        {"deleted_label": False},
        {"page_size": 1},
        {"truncate_at": 5},
        {"truncate_at": 6, "end_inclusive": True, "time_form": "iso", "merge_labels": True},
        {"look_back": "refused"},
        {"look_back": "empty"},
    ],
    ids=str,
)
def test_rows_are_the_bill_under_every_reading_of_the_api(desk: Desk, switches: dict[str, Any]) -> None:
    for name, value in switches.items():
        setattr(desk.api, name, value)

    report = desk.read()

    assert_billed(desk, report)
    assert report.status is Status.SUCCES
    assert report.control is not None
    assert report.control.agrees
    assert report.control.total == desk.api.bill(desk.account, "2026-01").total
    assert (report.data_until, report.empty_proven, report.coarse) == (None, False, False)


def test_a_month_takes_one_list_of_keys_and_one_query_for_each_workspace(desk: Desk) -> None:
    desk.account.keys[5].name = "worker | one"
    desk.account.keys[6].name = "worker | two"

    report = desk.read()

    assert desk.asked() == {"/workspaces": 1, "/keys": 3, QUERY: 3 + 1}
    assert (report.requests, report.pages) == (8, 8)
    assert {request.method for request in desk.server.journal.requests("openrouter", path=QUERY)} == {"POST"}


def test_keys_of_one_name_take_one_query_each_and_stay_apart(desk: Desk) -> None:
    report = desk.read()

    assert report.requests == 8 + 2
    twins = [row for row in desk.rows(report) if row.name == "worker | batch"]
    assert len({row.key for row in twins}) == 2


def test_names_are_those_that_people_gave(desk: Desk) -> None:
    report = desk.read()

    names = {(thing.kind, thing.id): thing.name for thing in report.things}
    assert {names[ThingKind.WORKSPACE, item.id] for item in desk.account.workspaces} == {
        "Default",
        "Production 🚀",
        "Research, <b>R&D</b> | =1+1",
    }
    for key in desk.account.keys:
        # A key without a name goes by its masked value.
        assert names[ThingKind.API_KEY, key.hash] == (key.name or key.label)
    assert names[ThingKind.API_KEY, "label:first-try"] == "first-try"
    assert len(names) == len(report.things)


def test_usage_without_a_key_belongs_to_none(desk: Desk) -> None:
    (row,) = [row for row in desk.rows(desk.read()) if row.key.startswith("(")]

    assert (row.key, row.workspace) == ("(sans clé API)", desk.workspace("default"))


def test_own_keys_are_kept_apart_from_the_cost(desk: Desk) -> None:
    facts = desk.account.facts("2026-01")
    estimate = sum((fact.byok for fact in facts), Decimal(0))
    report = desk.read()

    units = [amount for record in report.records for name, amount in record.units if name == "byok_usd"]
    assert sum(units) == estimate > 0
    assert totals(desk.rows(report)).cost == sum(fact.credits for fact in facts)
    (remark,) = report.remarks
    whole = estimate + sum((fact.credits for fact in facts), Decimal(0))
    assert f"{estimate:.2f}".replace(".", ",") in str(remark)
    assert f"{whole:.2f}".replace(".", ",") in str(remark)


def test_the_grain_of_projects_is_the_workspace(desk: Desk) -> None:
    desk.extra["OPENROUTER_GRAIN"] = "project"
    report = desk.read()

    rows = {row.key: row for row in desk.rows(report)}
    assert set(rows) == {item.id for item in desk.account.workspaces}
    assert totals(rows.values()).cost == desk.api.bill(desk.account, "2026-01").total
    assert rows[desk.workspace("production")].name == "Production 🚀"


def test_the_running_month_is_read_as_far_as_it_goes(desk: Desk) -> None:
    report = desk.read(FEBRUARY)

    assert_billed(desk, report, FEBRUARY)
    assert report.status is Status.SUCCES
    assert (report.data_until, report.control, report.provisional) == (desk.clock[0], None, False)
    # In place of the total: whether anything belongs to none of the workspaces.
    assert report.requests == 8 + 2
    assert "2026-02 : mois en cours, données jusqu’au 2026-02-14." in desk.log(report)


def test_a_month_that_has_just_ended_is_provisional(desk: Desk) -> None:
    desk.clock[0] = datetime(2026, 2, 1, 3, tzinfo=UTC)

    report = desk.read()

    assert (report.provisional, report.data_until) == (True, None)


def test_a_total_is_not_held_against_a_month_that_has_just_ended(desk: Desk) -> None:
    desk.clock[0] = datetime(2026, 2, 1, 3, tzinfo=UTC)
    desk.rewrite(QUERY, in_rows(one_more_request), when=is_total, times=-1)

    report = desk.read()

    assert (report.control, report.status) == (None, Status.SUCCES)
    assert_billed(desk, report)


def test_a_total_that_is_older_than_the_settled_month_is_not_compared(desk: Desk) -> None:
    made = datetime(2026, 2, 1, 3, tzinfo=UTC)
    desk.rewrite(
        QUERY,
        lambda body: in_answer(cachedAt=made.timestamp() * 1000)(in_rows(one_more_request)(body)),
        when=is_total,
        times=-1,
    )

    report = desk.read()

    assert (report.control, report.status, report.provisional) == (None, Status.SUCCES, False)
    assert "il date du 2026-02-01 03:00" in desk.log(report)
    assert_billed(desk, report)


def test_lines_that_were_stored_before_the_month_had_settled_are_provisional(desk: Desk) -> None:
    made = datetime(2026, 2, 1, 3, tzinfo=UTC)
    desk.rewrite(QUERY, in_answer(cachedAt=made.timestamp() * 1000), times=-1)

    assert desk.read().provisional


def test_a_stored_answer_says_how_far_it_goes(desk: Desk) -> None:
    made = datetime(2026, 2, 13, 23, 30, tzinfo=UTC)
    desk.rewrite(QUERY, in_answer(cachedAt=made.timestamp() * 1000), when=of_workspace(desk.workspace("research")))

    assert desk.read(FEBRUARY).data_until == made


def test_an_answer_stored_before_the_month_was_over_is_not_taken_for_the_whole(desk: Desk) -> None:
    made = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
    desk.rewrite(QUERY, in_answer(cachedAt=made.timestamp() * 1000), times=-1)

    assert desk.read().data_until == made


@pytest.mark.parametrize("made", [10**25, "9" * 300, -62135596801000, 0, True, "soon", [], {"at": 1}, 1.5e300])
def test_a_time_that_no_answer_was_stored_at_costs_nothing(desk: Desk, made: object) -> None:
    desk.rewrite(QUERY, in_answer(cachedAt=made), times=-1)
    report = desk.read()
    assert (report.status, report.provisional) == (Status.SUCCES, False)
    assert_billed(desk, report)


def test_an_empty_month_is_proven_by_the_total(desk: Desk) -> None:
    desk.account.clear("2026-01")

    report = desk.read()

    assert (report.records, report.status, report.empty_proven) == ((), Status.SUCCES, True)
    assert len(report.things) == 3 + len(desk.account.keys)


def test_an_account_that_has_no_list_of_workspaces_is_read_as_one(desk: Desk) -> None:
    home = desk.workspace("default")
    for slug in ("production", "research"):
        delete_workspace(desk, slug)
    desk.account.deleted.clear()
    facts = desk.account.facts("2026-01")
    facts[:] = [fact for fact in facts if fact.workspace == home]
    desk.api.absent = {"/workspaces"}

    report = desk.read()

    assert_billed(desk, report)
    assert (report.status, report.requests) == (Status.SUCCES, 4)
    assert {row.workspace for row in desk.rows(report)} == {home}
    assert home in {thing.id for thing in report.things}
    assert desk.check()["workspaces"].status is CheckStatus.WARNING


def test_a_list_of_workspaces_that_is_refused_to_a_key_that_reads_costs_the_workspaces_alone(desk: Desk) -> None:
    desk.fault(Kind.STATUS, "/workspaces", status=403, times=-1)

    report = desk.read()

    assert totals(desk.rows(report)).cost == desk.api.bill(desk.account, "2026-01").total
    assert report.status is Status.PARTIEL
    (gap,) = report.gaps
    assert "/workspaces" in str(gap.sentence)
    assert "pas une clé de gestion" not in str(gap.sentence)


def test_an_account_without_workspaces_is_still_read(desk: Desk) -> None:
    desk.account.workspaces.clear()

    report = desk.read()

    assert totals(desk.rows(report)).cost == desk.api.bill(desk.account, "2026-01").total
    assert report.status is Status.SUCCES


# --- keys


@pytest.mark.parametrize(("more", "pages"), [(97, 2), (96, 1), (250, 3)])
def test_keys_are_read_to_the_last_page(desk: Desk, more: int, pages: int) -> None:
    desk.account.add_keys(more, desk.workspace("default"))

    report = desk.read()

    assert desk.asked()["/keys"] == 2 + pages
    assert {key.hash for key in desk.account.keys} <= {thing.id for thing in report.things}
    assert_billed(desk, report)


def test_a_list_of_keys_that_does_not_move_on_is_stopped(desk: Desk) -> None:
    desk.account.add_keys(150, desk.workspace("default"))
    first: list[Any] = []

    def again(answer: Any) -> Any:
        first.append(answer)
        return first[0]

    desk.rewrite("/keys", again, when=of_workspace(desk.workspace("default")), times=-1)

    report = desk.read()

    # The names in the figures take the place of ids, and that is said.
    assert [(gap.kind, gap.within) for gap in report.gaps] == [(GapKind.MISSING, desk.workspace("default"))]
    assert "deux fois" in str(report.gaps[0].sentence)
    assert totals(desk.rows(report)).cost == desk.api.bill(desk.account, "2026-01").total


@pytest.mark.parametrize("made", ["2026-02-03T10:00:00Z", "2026-01-20T10:00:00", "2026-01-20T10:00:00Z"])
def test_a_key_renewed_under_its_old_name_is_not_given_the_old_ones_past(desk: Desk, made: str) -> None:
    # A deleted key was called like one that exists; the new one spent little in all its life.
    desk.account.deleted[0].name = "Old demo"

    def renewed(answer: Any) -> Any:
        for key in answer["data"]:
            if key["name"] == "Old demo":
                key.update(created_at=made, usage=0.02)
        return answer

    desk.rewrite("/keys", renewed, times=-1)
    report = desk.read()

    rows = {row.key: row for row in desk.rows(report)}
    bill = {row.key: row for row in desk.api.bill(desk.account, "2026-01").rows}
    for key in (desk.key("Old demo"), "label:Old demo"):
        assert rows[key].totals.cost == bill[key].cost
        assert rows[key].totals.requests == bill[key].requests
        assert rows[key].name == "Old demo"
    assert report.requests == 8 + 2 + 1


@pytest.mark.parametrize("edit", [{"created_at": "2025-11-01T00:00:00Z"}, {"created_at": None}, {"usage": None}])
def test_a_name_that_one_key_can_explain_takes_no_further_query(desk: Desk, edit: dict[str, Any]) -> None:
    new = {"created_at": "2026-01-02T00:00:00Z", "usage": 1_000_000.5}
    desk.rewrite("/keys", lambda answer: {"data": [{**key, **new, **edit} for key in answer["data"]]}, times=-1)

    assert desk.read().requests == 8 + 2


def test_deleted_keys_of_one_name_in_two_workspaces_stay_apart(desk: Desk) -> None:
    mine = desk.account.keys.pop(0)
    mine.name = "first-try"
    desk.account.deleted.append(mine)

    report = desk.read()

    found = {row.workspace: row for row in desk.rows(report) if row.key.startswith("label:")}
    bill = {r.workspace: r for r in desk.api.bill(desk.account, "2026-01").rows if r.key == "label:first-try"}
    assert set(found) == {desk.workspace("default"), desk.workspace("research")} == set(bill)
    assert {row.name for row in found.values()} == {"first-try"}
    for workspace, row in found.items():
        assert row.totals.cost == bill[workspace].cost
        assert row.key == f"label:first-try ({workspace})"


@pytest.mark.parametrize(
    ("status", "kind", "word"),
    [(403, GapKind.MISSING, Status.PARTIEL), (404, GapKind.UNAVAILABLE, Status.DONNEES_INDISPONIBLES)],
)
def test_keys_that_can_not_be_listed_go_by_their_names(desk: Desk, status: int, kind: GapKind, word: Status) -> None:
    desk.fault(Kind.STATUS, "/keys$", status=status, times=-1)

    report = desk.read()

    assert totals(desk.rows(report)).cost == desk.api.bill(desk.account, "2026-01").total
    assert report.control is not None
    assert report.control.agrees
    assert report.status is word
    assert {(gap.kind, gap.within) for gap in report.gaps} == {(kind, item.id) for item in desk.account.workspaces}
    assert not any("pas une clé de gestion" in str(gap.sentence) for gap in report.gaps)
    assert f"label:chatbot ({desk.workspace('default')})" in {row.key for row in desk.rows(report)}


# --- deleted workspaces


def delete_workspace(desk: Desk, slug: str) -> str:
    workspace = desk.workspace(slug)
    desk.account.workspaces = [item for item in desk.account.workspaces if item.id != workspace]
    desk.account.deleted += [key for key in desk.account.keys if key.workspace == workspace]
    desk.account.keys = [key for key in desk.account.keys if key.workspace != workspace]
    return workspace


@pytest.mark.parametrize("month", [JANUARY, FEBRUARY], ids=str)
def test_the_money_of_a_deleted_workspace_is_kept(desk: Desk, month: Month) -> None:
    workspace = delete_workspace(desk, "research")

    report = desk.read(month)

    assert_billed(desk, report, month)
    assert report.status is Status.SUCCES
    assert any("supprimés" in str(remark) for remark in report.remarks)
    assert workspace in {row.workspace for row in desk.rows(report)}
    # Two queries more: what there is, and which workspace it belongs to.
    assert report.requests == (1 + 2 + 2 + 2) + 1 + (2 if month == JANUARY else 1)


def test_a_deleted_workspace_goes_by_its_name(desk: Desk) -> None:
    workspace = delete_workspace(desk, "research")
    desk.rewrite(
        QUERY,
        in_rows(lambda row: row.update(workspace="R&D | old") if "workspace" in row else None),
        when=has_filter("workspace", "not_in"),
        times=-1,
    )

    report = desk.read()

    billed = [row for row in desk.api.bill(desk.account, "2026-01").rows if row.workspace == workspace]
    found = [row for row in desk.rows(report) if row.workspace == "label:R&D | old"]
    assert {row.key for row in found} == {row.key for row in billed}
    assert "R&D | old" in {thing.name for thing in report.things if thing.kind is ThingKind.WORKSPACE}


def test_a_key_name_in_two_deleted_workspaces_keeps_both_rows(desk: Desk) -> None:
    for slug in ("default", "production"):
        delete_workspace(desk, slug)

    report = desk.read()

    cost = {row.workspace: row.totals.cost for row in desk.rows(report) if row.name == "chatbot"}
    billed = {row.workspace: row.cost for row in desk.api.bill(desk.account, "2026-01").rows}
    assert len(cost) == 2
    for workspace, value in cost.items():
        assert value is not None
        assert workspace in billed
    assert totals(desk.rows(report)).cost == desk.api.bill(desk.account, "2026-01").total
    assert report.control is not None
    assert report.control.agrees


@pytest.mark.parametrize(("month", "status"), [(JANUARY, Status.PARTIEL), (FEBRUARY, Status.SUCCES)], ids=str)
def test_deleted_workspaces_that_can_not_be_asked_for_are_told(desk: Desk, month: Month, status: Status) -> None:
    delete_workspace(desk, "research")
    desk.fault(Kind.STATUS, QUERY, status=400, when=has_filter("workspace", "not_in"), times=-1)

    report = desk.read(month)

    assert report.status is status
    assert any("n’ont pas pu être lus" in str(remark) for remark in report.remarks)


# --- the control total


@pytest.mark.parametrize(
    ("change", "said", "money_agrees"),
    [
        (one_more_request, "requêtes ", True),
        (lambda row: row.update(tokens_prompt=str(int(row["tokens_prompt"]) + 1)), "tokens d’entrée ", True),
        (lambda row: row.update(tokens_completion=str(int(row["tokens_completion"]) + 1)), "tokens de sortie ", True),
        (lambda row: row.update(credits_usage=row["credits_usage"] + 0.01), "coût ", False),
    ],
    ids=["requests", "tokens", "tokens out", "money"],
)
def test_a_mismatch_that_stays_is_told(
    desk: Desk, change: Callable[[dict[str, Any]], object], said: str, money_agrees: bool
) -> None:
    desk.rewrite(QUERY, in_rows(change), when=is_total, times=-1)

    report = desk.read()

    assert report.status is Status.PARTIEL
    assert [gap.passing for gap in report.gaps] == [False]
    assert report.control is not None
    assert report.control.agrees is money_agrees
    found = re.search(rf"ne correspond pas au total d’OpenRouter : {said}(\S+)[^,]*? contre (\S+)\.", desk.log(report))
    assert found is not None
    assert found[1] != found[2]
    assert_billed(desk, report)


def test_a_difference_of_money_is_shown_with_the_digits_that_differ(desk: Desk) -> None:
    desk.rewrite(
        QUERY, in_rows(lambda row: row.update(credits_usage=row["credits_usage"] + 1e-4)), when=is_total, times=-1
    )

    report = desk.read()

    (gap,) = report.gaps
    found = re.search(r"coût (\S+) USD contre (\S+)\.$", str(gap.sentence))
    assert found is not None
    assert found[1] != found[2]


def test_a_second_reading_that_fails_leaves_the_first(desk: Desk) -> None:
    desk.rewrite(QUERY, in_rows(one_more_request), when=is_total, times=-1)
    desk.fault(Kind.STATUS, "/workspaces", status=500, skip=1, times=-1)

    report = desk.read()

    assert report.status is Status.PARTIEL
    assert_billed(desk, report)


def test_a_mismatch_is_not_believed_at_once(desk: Desk) -> None:
    desk.rewrite(QUERY, in_rows(one_more_request), when=is_total)

    report = desk.read()

    assert report.status is Status.SUCCES
    assert desk.asked()["/workspaces"] == 2


def test_money_may_differ_in_the_last_digits_of_a_float(desk: Desk) -> None:
    desk.rewrite(QUERY, in_rows(lambda row: row.update(credits_usage=row["credits_usage"] + 3e-8)), when=is_total)

    report = desk.read()

    assert report.status is Status.SUCCES
    assert desk.asked()["/workspaces"] == 1


@pytest.mark.parametrize(
    "trouble",
    [
        {"kind": Kind.STATUS, "status": 500},
        {"kind": Kind.STATUS, "status": 400},
        {"kind": Kind.HTML},
        {"kind": Kind.STATUS, "status": 200, "body": {"error": {"code": 502, "message": "Provider returned error"}}},
        {"kind": Kind.REWRITE, "rewrite": lambda body: {"rows": body["data"]["data"]}},
        {"kind": Kind.REWRITE, "rewrite": one_odd_row},
    ],
    ids=["500", "400", "html", "error in 200", "another shape", "an odd row"],
)
def test_figures_without_a_total_are_just_not_checked(desk: Desk, trouble: dict[str, Any]) -> None:
    desk.fault(path=QUERY, when=is_total, times=-1, **trouble)

    report = desk.read()

    assert_billed(desk, report)
    assert (report.control, report.status, report.empty_proven) == (None, Status.SUCCES, False)
    assert "n’ont pas été comparées" in desk.log(report)


@pytest.mark.parametrize("kind", [Kind.HTML, Kind.STATUS])
@pytest.mark.parametrize("path", ["/workspaces", "/keys", QUERY])
def test_an_answer_that_is_none_is_asked_for_once_more(desk: Desk, path: str, kind: Kind) -> None:
    more = {"status": 200, "body": {"error": {"code": 502, "message": "…"}}} if kind is Kind.STATUS else {}
    desk.fault(kind, path, **more)

    report = desk.read()

    assert report.status is Status.SUCCES
    assert_billed(desk, report)


# --- how far back


@pytest.mark.parametrize("look_back", ["refused", "empty"])
def test_a_month_out_of_reach_takes_one_request(desk: Desk, look_back: Any) -> None:
    desk.api.look_back = look_back

    report = desk.read(Month.parse("2025-01"))

    assert (report.records, report.status, report.requests) == ((), Status.DONNEES_INDISPONIBLES, 1)
    assert "365 jours" in str(report.gaps[0].sentence)


def test_an_old_month_is_read_where_the_limit_is_on_the_length_alone(desk: Desk) -> None:
    month = Month.parse("2025-02")

    report = desk.read(month)

    assert_billed(desk, report, month)
    assert (report.status, report.empty_proven) == (Status.SUCCES, False)


def test_a_month_whose_first_days_may_be_cut_off_says_so(desk: Desk) -> None:
    desk.api.look_back = "empty"

    report = desk.read(Month.parse("2025-02"))

    assert report.records
    assert report.status is Status.DONNEES_INDISPONIBLES
    assert "les jours avant le 2025-02-14 peuvent manquer" in str(report.gaps[0].sentence)


def test_an_old_month_is_not_guessed_at_while_the_server_is_down(desk: Desk) -> None:
    desk.fault(Kind.STATUS, QUERY, status=503, times=-1)

    with pytest.raises(TransientError):
        desk.read(Month.parse("2025-01"))


# --- answers that are cut, late or not what they should be


def test_a_query_that_times_out_is_asked_in_pieces(desk: Desk) -> None:
    def is_long(query: Mapping[str, str], body: bytes) -> bool:
        asked = json.loads(body)
        return bool(asked["granularity"] == "month" and "dimensions" in asked)

    desk.fault(Kind.STATUS, QUERY, status=408, when=is_long, times=-1)

    report = desk.read()

    assert_billed(desk, report)
    assert report.status is Status.SUCCES


def test_an_answer_cut_even_in_its_smallest_piece_is_not_counted(desk: Desk) -> None:
    desk.rewrite(QUERY, in_answer(metadata={"truncated": True}), when=has_filter("workspace"), times=-1)

    with pytest.raises(ContractError, match="coupe sa réponse"):
        desk.read()


@pytest.mark.parametrize("month", [JANUARY, FEBRUARY], ids=str)
def test_a_workspace_that_no_filter_finds_is_read_by_its_name(desk: Desk, month: Month) -> None:
    names = {item.id: item.name for item in desk.account.workspaces}
    lost = desk.workspace("research")
    desk.rewrite(QUERY, nothing_found, when=of_workspace(lost), times=-1)
    # The stand-in gives ids where the API is documented to give names.
    desk.rewrite(
        QUERY, in_rows(lambda row: shown_by_name(row, names)), when=has_filter("workspace", "not_in"), times=-1
    )

    report = desk.read(month)

    assert_billed(desk, report, month)
    assert report.status is Status.SUCCES
    assert "n’a pas retrouvé 1 espace de travail" in desk.log(report)
    assert "supprimés" not in desk.log(report)


def test_no_workspace_that_a_filter_finds_is_still_no_lost_month(desk: Desk) -> None:
    desk.rewrite(QUERY, nothing_found, when=has_filter("workspace", "eq"), times=-1)

    report = desk.read()

    assert totals(desk.rows(report)).cost == desk.api.bill(desk.account, "2026-01").total
    assert report.control is not None
    assert report.control.agrees


def test_a_workspace_that_neither_its_filter_nor_the_others_find_is_a_gap(desk: Desk) -> None:
    lost = desk.workspace("research")
    desk.rewrite(QUERY, nothing_found, when=of_workspace(lost), times=-1)
    desk.rewrite(QUERY, nothing_found, when=has_filter("workspace", "not_in"), times=-1)

    report = desk.read()

    assert report.status is Status.PARTIEL
    assert [gap.within for gap in report.gaps] == [lost]
    assert lost not in {row.workspace for row in desk.rows(report)}


def test_a_key_that_no_filter_finds_leaves_its_usage_under_its_name(desk: Desk) -> None:
    plain = totals(desk.rows(desk.read()))
    desk.rewrite(QUERY, nothing_found, when=has_filter("api_key_id", "eq"))

    report = desk.read()

    assert report.status is Status.SUCCES
    assert totals(desk.rows(report)) == plain
    assert "n’a pas retrouvé 1 clé" in desk.log(report)
    assert any(row.key.startswith("label:") and row.name != "first-try" for row in desk.rows(report))


def nothing_found(body: Any) -> Any:
    metadata = {**body["data"]["metadata"], "row_count": 0}
    return {"data": {"data": [], "metadata": metadata, "warnings": ["Could not resolve"]}}


def shown_by_name(row: dict[str, Any], names: Mapping[str, str]) -> None:
    if "workspace" in row:
        row["workspace"] = names.get(row["workspace"], row["workspace"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: row.pop("credits_usage"), "credits_usage"),
        (lambda row: row.pop("request_count"), "request_count"),
        (lambda row: row.pop("date__day"), "date__month"),
        (lambda row: row.update(date__day="soon"), "date__day"),
        (lambda row: row.pop("api_key_id"), "api_key_id"),
        (lambda row: row.pop("model"), "model"),
        (lambda row: row.update(tokens_prompt="many"), "tokens_prompt"),
        (lambda row: row.update(credits_usage={"usd": 1}), "credits_usage"),
        (lambda row: row.update(credits_usage="free"), "montant"),
    ],
)
def test_drift_stops_the_source_and_names_the_field(
    desk: Desk, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    desk.rewrite(QUERY, in_rows(change), when=has_filter("workspace"), times=-1)

    with pytest.raises(ContractError, match=said):
        desk.read()


def test_an_odd_row_costs_itself_alone(desk: Desk) -> None:
    production = desk.workspace("production")

    def is_lines(query: Mapping[str, str], body: bytes) -> bool:
        asked = json.loads(body)
        return asked.get("dimensions") == ["api_key_id", "model"] and [
            (one["operator"], one["value"]) for one in asked.get("filters", ())
        ] == [("eq", production)]

    desk.rewrite(QUERY, one_odd_row, when=is_lines, times=-1)

    report = desk.read()

    assert report.status is Status.PARTIEL
    assert [count.count for count in report.dropped] == [1]
    assert "Une ligne illisible" in desk.log(report)
    assert len(desk.rows(report)) >= len(desk.api.bill(desk.account, "2026-01").rows) - 1


@pytest.mark.parametrize("path", ["/workspaces", QUERY])
def test_a_page_of_html_is_not_an_answer(desk: Desk, path: str) -> None:
    desk.fault(Kind.HTML, path, times=-1)

    with pytest.raises(ContractError, match="HTML"):
        desk.read()


def test_a_key_without_an_id_costs_its_own_id_alone(desk: Desk) -> None:
    plain = {row.key for row in desk.rows(desk.read())}
    lost = desk.account.keys[0]

    def nameless(answer: Any) -> Any:
        for key in answer["data"]:
            if key["hash"] == lost.hash:
                del key["hash"]
        return answer

    desk.rewrite("/keys", nameless, times=-1)

    report = desk.read()

    assert report.status is Status.PARTIEL
    assert [gap.within for gap in report.gaps] == [lost.workspace]
    assert [count.count for count in report.dropped] == [1]
    assert totals(desk.rows(report)).cost == desk.api.bill(desk.account, "2026-01").total
    assert plain - {row.key for row in desk.rows(report)} == {lost.hash}


def test_keys_that_break_the_contract_go_by_their_names(desk: Desk) -> None:
    desk.fault(Kind.HTML, "/keys", times=-1)

    report = desk.read()

    assert report.status is Status.PARTIEL
    assert totals(desk.rows(report)).cost == desk.api.bill(desk.account, "2026-01").total


def test_workspaces_that_are_announced_and_not_given_are_a_failure(desk: Desk) -> None:
    desk.rewrite("/workspaces", lambda answer: {**answer, "total_count": 7}, times=-1)

    with pytest.raises(ContractError, match="annonce une suite"):
        desk.read()


def test_new_fields_and_a_workspace_listed_twice_change_nothing(desk: Desk) -> None:
    desk.rewrite("/workspaces", lambda answer: {"data": answer["data"] * 2, "total_count": 6, "new": [1]}, times=-1)
    desk.rewrite(QUERY, in_rows(lambda row: row.update(carbon="2 g")), times=-1)

    report = desk.read()

    assert report.status is Status.SUCCES
    assert [count.what.fr for count in report.new_fields] == ["/analytics/query carbon"]


def test_a_missing_amount_is_counted_and_never_zero(desk: Desk) -> None:
    desk.rewrite(
        QUERY,
        in_rows(lambda row: row.update(credits_usage=None) if row["api_key_id"] == "Old demo" else None),
        when=has_filter("workspace"),
        times=-1,
    )

    report = desk.read()

    (row,) = [row for row in desk.rows(report) if row.name == "Old demo"]
    days = sum(record.api_key == row.key for record in report.records)
    assert (row.totals.cost, row.status, report.missing_amounts) == (None, Status.PARTIEL, days)


# --- trouble


@pytest.mark.parametrize(
    ("path", "trouble"),
    [
        (QUERY, {"kind": Kind.STATUS, "status": 429, "headers": {"Retry-After": "1"}}),
        (QUERY, {"kind": Kind.STATUS, "status": 529}),
        (QUERY, {"kind": Kind.CUT_BEFORE}),
        (QUERY, {"kind": Kind.CUT_AFTER}),
        (QUERY, {"kind": Kind.TRUNCATE}),
        ("/keys", {"kind": Kind.TRUNCATE}),
        ("/workspaces", {"kind": Kind.STATUS, "status": 502, "body": "<html>"}),
    ],
    ids=str,
)
def test_passing_trouble_leaves_no_trace(desk: Desk, path: str, trouble: dict[str, Any]) -> None:
    desk.fault(path=path, times=3, **trouble)

    report = desk.read()

    assert_billed(desk, report)
    assert report.status is Status.SUCCES


@pytest.mark.parametrize("path", ["/keys", QUERY])
def test_a_workspace_that_fails_does_not_take_the_others_with_it(desk: Desk, path: str) -> None:
    production = desk.workspace("production")
    desk.fault(Kind.STATUS, path, status=500, when=of_workspace(production), times=-1)

    report = desk.read()

    assert report.status is Status.PARTIEL
    assert [(gap.within, gap.passing) for gap in report.gaps] == [(production, True)]
    rows = desk.rows(report)
    assert {row.workspace for row in rows} == {desk.workspace("default"), desk.workspace("research")}
    assert {row.status for row in rows} == {Status.SUCCES}
    assert report.control is None


@pytest.mark.parametrize("path", ["/workspaces", "(/keys|/analytics/query)$"])
def test_a_source_of_which_nothing_can_be_read_fails(desk: Desk, path: str) -> None:
    desk.fault(Kind.STATUS, path, status=503, times=-1)

    with pytest.raises(TransientError):
        desk.read()


@pytest.mark.parametrize("ends", [{"/analytics/query"}, {"/workspaces", "/keys", "/analytics/query"}])
@pytest.mark.parametrize("month", [JANUARY, FEBRUARY], ids=str)
def test_an_address_that_is_not_openrouter_s_is_an_error_and_not_an_empty_month(
    desk: Desk, ends: set[str], month: Month
) -> None:
    desk.api.absent |= ends

    with pytest.raises(ContractError, match=r"/analytics/query.*OPENROUTER_BASE_URL"):
        desk.read(month)


@pytest.mark.parametrize(
    ("status", "said"), [(401, "ne connaît pas la clé"), (403, "n’est pas une clé de gestion"), (402, "solde")]
)
def test_refusals_say_what_to_do(desk: Desk, status: int, said: str) -> None:
    desk.fault(Kind.STATUS, "", status=status, body={"error": {"code": status, "message": "No sk-or-v1-1"}}, times=-1)

    with pytest.raises(SourceError, match=said) as caught:
        desk.read()

    assert "sk-or" not in repr(caught.value.sentence)


def test_a_wrong_key_is_refused_at_the_first_request(desk: Desk) -> None:
    desk.extra["OPENROUTER_MANAGEMENT_KEY"] = desk.account.inference_key

    with pytest.raises(CredentialError, match="management-keys"):
        desk.read()
    assert desk.asked().total() == 1


def test_all_is_told_in_both_languages(desk: Desk, in_both_languages: Callable[[Iterable[Sentence]], None]) -> None:
    desk.rewrite(QUERY, in_rows(one_more_request), when=is_total, times=-1)
    desk.fault(Kind.STATUS, "/keys", status=403, times=-1)

    report = desk.read()

    assert "requêtes" in report.gaps[-1].sentence.fr
    findings = desk.check().values()
    in_both_languages(
        [
            *(gap.sentence for gap in report.gaps),
            *report.remarks,
            report.row_note,
            *(one.what for one in findings),
            *(one.sentence for one in findings),
        ]
    )


# --- check


def test_check_tries_the_key_the_figures_and_the_names(desk: Desk) -> None:
    found = desk.check()

    assert {finding.status for finding in found.values()} == {CheckStatus.OK}
    assert set(found) == {"kind of key", "usage and cost", "workspaces", "key names"}
    assert desk.asked().total() == 4


def test_check_knows_an_inference_key(desk: Desk) -> None:
    desk.extra["OPENROUTER_MANAGEMENT_KEY"] = desk.account.inference_key

    found = desk.check()

    assert {finding.status for finding in found.values()} == {CheckStatus.BAD}
    assert "clé d’inférence" in str(found["kind of key"].sentence)


def test_check_knows_an_unknown_key(desk: Desk) -> None:
    desk.extra["OPENROUTER_MANAGEMENT_KEY"] = "sk-or-v1-nobody"

    assert {finding.status for finding in desk.check().values()} == {CheckStatus.BAD}


# --- answers about something else


def of_day(day: str) -> Callable[[Any], Any]:
    """Rows as if all of them were of one day, or of one month that begins with it."""

    def move(page: Any) -> Any:
        rows = [
            {name: day if name.startswith(("date__", "created_at__")) else cell for name, cell in row.items()}
            for row in page["data"]["data"]
        ]
        return {**page, "data": {**page["data"], "data": rows}}

    return move


@pytest.mark.parametrize("day", ["2025-12-01", "2026-03-01", "2025-01-31T23:59:59Z"])
def test_answers_about_other_months_are_no_empty_month(desk: Desk, day: str) -> None:
    desk.rewrite(QUERY, of_day(day), times=-1)
    with pytest.raises(ContractError, match="tout y est d’autres mois"):
        desk.read()


def test_the_bucket_after_an_empty_month_may_come_alone(desk: Desk) -> None:
    desk.rewrite(QUERY, of_day("2026-02-01"), times=-1)
    report = desk.read()
    assert (report.records, report.status) == ((), Status.SUCCES)


# --- held against what OpenRouter publishes


def test_requests_are_ones_that_the_published_description_has(desk: Desk, shared: Path) -> None:
    description = yaml.safe_load((shared / "specs" / "openrouter.yaml").read_text())
    desk.api.truncate_at = 12
    delete_workspace(desk, "research")
    desk.read()
    desk.read(FEBRUARY)
    desk.check()

    for request in desk.server.journal.requests("openrouter"):
        operation = description["paths"][request.path.removeprefix(desk.api.mount)][request.method.lower()]
        known = {parameter["name"]: parameter["schema"] for parameter in operation.get("parameters", ())}
        for name, value in parse_qsl(request.query):
            assert name in known
            kinds = known[name]["type"]
            is_whole = "integer" in (kinds if isinstance(kinds, list) else [kinds])
            Draft202012Validator(known[name] | {"format": "any"}).validate(
                int(value) if is_whole else value == "true" if kinds == "boolean" else value
            )
        if request.body:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            body = json.loads(request.body)
            Draft202012Validator({**schema, "additionalProperties": False}).validate(body)
            item = schema["properties"]["filters"]["items"]
            for condition in body.get("filters", ()):
                Draft202012Validator({**item, "additionalProperties": False}).validate(condition)


def test_a_query_always_says_its_range_to_the_second(desk: Desk) -> None:
    desk.read()

    for body in desk.bodies():
        assert body["time_range"] == {"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"}
        assert body["limit"] == 10_000
        assert len(body.get("dimensions", ())) <= 2

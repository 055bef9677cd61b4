from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
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
from sandbox.elevenlabs import ElevenLabsApi
from sandbox.elevenlabs.world import Account
from sandbox.faults import Fault, Kind
from sandbox.server import Server
from usage.errors import ContractError, CredentialError, RefusedError, SourceError, TransientError
from usage.grain import NO_API_KEY
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import Kind as ThingKind
from usage.names import ProviderName, Source, Status
from usage.outcomes.report import GapKind, SourceReport
from usage.outcomes.rows import LabelledReport, UsageRow, build_rows, totals
from usage.outcomes.story import source_log
from usage.settings import Settings, load_settings

SOURCE = Source(provider=ProviderName.ELEVENLABS)
JANUARY, FEBRUARY = Month.parse("2026-01"), Month.parse("2026-02")
NOW = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
CREDITS = "usage-by-product-over-time"
COSTS = "/workspace/analytics/usage"
STATS = "/character-stats"
SUBSCRIPTION = "/subscription"
NAMES = "/service-accounts"
LONG_AGO, MID_JANUARY = date(2025, 1, 1), date(2026, 1, 12)


async def no_sleep(_: float) -> None:
    return


class Desk:
    """One server with the stand-in, and what a test asks of it."""

    def __init__(self, now: datetime = NOW, seed: int = 1) -> None:
        self.now = now
        self.api = ElevenLabsApi(lambda: self.now, seed)
        self.server = Server([self.api])
        self.extra: dict[str, str] = {}

    @property
    def account(self) -> Account:
        return self.api.accounts[0]

    def settings(self) -> Settings:
        return load_settings(self.server.environment() | {"LLM_USAGE_NOW": self.now.isoformat()} | self.extra, ())

    def read(self, month: Month = JANUARY) -> SourceReport:
        self.server.journal.clear()
        return asyncio.run(read_source(self.settings(), SOURCE, month, retry=Retry(sleep=no_sleep)))

    def rows(self, report: SourceReport) -> dict[str, UsageRow]:
        settings = self.settings()
        reading = LabelledReport(report, settings.grains[SOURCE.provider], settings.label(SOURCE))
        return {row.key: row for row in build_rows([reading])[SOURCE]}

    def log(self, report: SourceReport) -> str:
        rows = self.rows(report)
        return str(source_log(report, totals(rows.values()).cost, len(rows)))

    def check(self, month: Month = JANUARY) -> dict[str, CheckResult]:
        self.server.journal.clear()
        return {finding.what.en: finding for finding in asyncio.run(check_source(self.settings(), SOURCE, month))}

    def asked(self) -> Counter[str]:
        ends = (CREDITS, COSTS, STATS, SUBSCRIPTION, NAMES)
        return Counter(next(end for end in ends if r.path.endswith(end)) for r in self.server.journal.requests())

    def fault(self, kind: Kind, path: str, **options: Any) -> Fault:
        return self.server.faults.add(Fault("elevenlabs", kind, path=path, **options))

    def assert_equals_bill(self, report: SourceReport, month: Month = JANUARY) -> None:
        bill = self.api.bill(self.account, str(month))
        found = {key: (row.totals.cost, row.totals.requests) for key, row in self.rows(report).items()}
        assert found == {row.key or NO_API_KEY: (row.cost, row.requests) for row in bill.rows}
        assert all(row.totals.tokens_input is None for row in self.rows(report).values())
        for row in bill.rows:
            costs = {part.model: part.cost for part in self.rows(report)[row.key or NO_API_KEY].breakdown if part.model}
            assert costs == {name: cost for name, cost in row.models.items() if name}

    def assert_equals_account(self, report: SourceReport, month: Month = JANUARY) -> None:
        """One row that stands for the whole account."""
        facts = self.account.facts(str(month))
        (row,) = self.rows(report).values()
        assert report.coarse
        assert row.key == "default"
        assert row.totals.cost == sum((fact.money for fact in facts), Decimal(0))


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    with desk.server:
        yield desk


def rename(**names: str) -> Callable[[Desk], None]:
    def apply(desk: Desk) -> None:
        desk.api.column_names.update(names)

    return apply


def switch(**values: Any) -> Callable[[Desk], None]:
    def apply(desk: Desk) -> None:
        for name, value in values.items():
            setattr(desk.api, name, value)

    return apply


READINGS = {
    "as seen": switch(),
    "end inclusive": switch(end_inclusive=True),
    "time with offset": switch(time_form="offset"),
    "time with a space": switch(time_form="space"),
    "time in seconds": switch(time_form="seconds"),
    "time in milliseconds": switch(time_form="milliseconds"),
    "other names": rename(
        time="bucket", credits="credits_used", money="amount", minutes="m", requests="n", quantity="q"
    ),
    "labels": switch(label_columns=True),
    "reversed": switch(reverse_columns=True),
    "numbers as text": switch(numbers_as_text=True),
    "blank units": switch(blank_units=True),
    "change refused with 402": switch(moved_status=402),
    "change refused with 403": switch(moved_status=403),
    "change refused with 404": switch(moved_status=404),
    "change refused with 409": switch(moved_status=409),
    "change refused with 422": switch(moved_status=422),
}


@pytest.mark.parametrize("since", [None, LONG_AGO, MID_JANUARY], ids=["credits", "by cost", "the month of the change"])
@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)
def test_every_reading_of_the_api_equals_the_bill(
    desk: Desk, reading: Callable[[Desk], None], since: date | None
) -> None:
    desk.account.cost_billed_since = since
    reading(desk)
    report = desk.read()
    desk.assert_equals_bill(report)
    assert report.status is Status.SUCCES
    assert not report.coarse
    assert report.control is not None
    assert report.control.agrees
    assert report.control.total == desk.api.bill(desk.account, "2026-01").total


@pytest.mark.parametrize("seed", [2, 77])
def test_another_world_equals_its_bill(seed: int) -> None:
    desk = Desk(seed=seed)
    with desk.server:
        desk.assert_equals_bill(desk.read())
        desk.assert_equals_bill(desk.read(FEBRUARY), FEBRUARY)


def test_credits_and_minutes_are_units(desk: Desk) -> None:
    facts = [fact for fact in desk.account.facts("2026-01") if fact.key is None]
    row = desk.rows(desk.read())[NO_API_KEY]
    units = [dict(part.units) for part in row.breakdown]
    assert sum((unit["credits"] for unit in units), Decimal(0)) == sum((f.credits for f in facts), Decimal(0))
    assert sum((unit["minutes"] for unit in units), Decimal(0)) == sum((f.minutes for f in facts), Decimal(0))
    assert {part.item for part in row.breakdown} == {None, "dubbing", "phone_numbers"}


def test_awkward_names_stay_as_they_are_and_nameless_keys_show_their_beginning(desk: Desk) -> None:
    report = desk.read()
    rows = desk.rows(report)
    names = {key.hash: key.name for owner in desk.account.service_accounts for key in owner.keys}
    for key, row in rows.items():
        if key != NO_API_KEY:
            assert row.name == (names.get(key) or key[:8])
    assert {thing.id for thing in report.things} >= set(names)
    assert {thing.kind for thing in report.things} == {ThingKind.API_KEY}
    assert [row.name for row in rows.values()].count("Podcasts 🎙️") == 2


def test_a_label_column_names_keys_that_no_list_has(desk: Desk) -> None:
    desk.api.label_columns = True
    rows = desk.rows(desk.read())
    for key, name in desk.account.unlisted.items():
        assert rows[key].name == name


# The month of the change


@pytest.mark.parametrize("day", [1, 2, 3, 15, 30, 31])
def test_nothing_is_doubled_or_lost_whatever_the_day_of_the_change(desk: Desk, day: int) -> None:
    desk.account.cost_billed_since = date(2026, 1, day)
    report = desk.read()
    desk.assert_equals_bill(report)
    facts = [f for f in desk.account.facts("2026-01") if not desk.account.by_cost(f.at.date())]
    credits = [amount for record in report.records for unit, amount in record.units if unit == "credits"]
    assert sum(credits, Decimal(0)) == sum((fact.credits for fact in facts), Decimal(0))


@pytest.mark.parametrize(("since", "idle"), [(5, 9), (5, 6), (2, 31), (20, 25), (1, 3), (31, 32)])
def test_days_without_usage_around_the_change(desk: Desk, since: int, idle: int) -> None:
    desk.account.cost_billed_since = date(2026, 1, since)
    facts = desk.account.facts("2026-01")
    facts[:] = [fact for fact in facts if not since <= fact.at.day < idle]
    report = desk.read()
    desk.assert_equals_bill(report)
    assert desk.server.journal.requests(path="analytics")[0].status == 400
    assert report.requests <= 13


def test_a_report_by_cost_that_refuses_days_in_credits(desk: Desk) -> None:
    desk.account.cost_billed_since = MID_JANUARY
    start = int(datetime(2026, 1, 12, tzinfo=UTC).timestamp()) * 1000

    def too_early(_: Mapping[str, str], body: bytes) -> bool:
        return bool(json.loads(body)["start_time"] < start)

    desk.fault(Kind.STATUS, COSTS + "$", status=400, when=too_early, times=-1)
    desk.assert_equals_bill(desk.read())


def test_a_month_after_the_change_that_refuses_nothing_is_not_taken_for_empty(desk: Desk) -> None:
    desk.account.cost_billed_since = LONG_AGO
    empty: dict[str, list[str]] = {"columns": [], "column_types": [], "column_units": [], "rows": []}
    desk.fault(Kind.STATUS, CREDITS, status=200, body=empty, times=-1)
    desk.assert_equals_bill(desk.read())


def test_figures_of_a_part_of_the_month_do_not_pass_for_the_whole(desk: Desk) -> None:
    desk.account.cost_billed_since = MID_JANUARY
    report = desk.read()
    both = [row for row in desk.rows(report).values() if row.totals.requests is None]
    assert both
    for row in both:
        assert {unit for part in row.breakdown for unit, _ in part.units} <= {"credits"}
    assert "En crédits jusqu’au 2026-01-11, au coût ensuite" in str(report.row_note)
    assert "requêtes" in str(report.row_note)


def test_days_billed_by_cost_keep_their_quantities(desk: Desk) -> None:
    desk.account.cost_billed_since = LONG_AGO
    report = desk.read()
    units = {unit for record in report.records for unit, _ in record.units}
    assert units == {"characters", "minutes"}
    facts = [fact for fact in desk.account.facts("2026-01") if fact.charge == "characters"]
    characters = [amount for record in report.records for unit, amount in record.units if unit == "characters"]
    assert sum(characters, Decimal(0)) == sum(fact.characters for fact in facts)


# Money


@pytest.mark.parametrize("since", [None, LONG_AGO, MID_JANUARY])
@pytest.mark.parametrize("currency", ["eur", "inr", "pln", "gbp"])
def test_another_currency_is_kept_apart(desk: Desk, currency: str, since: date | None) -> None:
    desk.account.currency, desk.account.cost_billed_since = currency, since
    report = desk.read()
    assert all(record.cost is None for record in report.records)
    assert totals(desk.rows(report).values()).cost is None
    money = [amount for record in report.records for unit, amount in record.units if unit == f"cost_{currency}"]
    assert sum(money, Decimal(0)) == sum((fact.money for fact in desk.account.facts("2026-01")), Decimal(0))
    assert report.status is Status.DONNEES_INDISPONIBLES
    assert currency.upper() in str(report.gaps[0].sentence)
    assert report.control is None


def test_without_money_by_key_the_account_has_one_row(desk: Desk) -> None:
    desk.account.money_column = False
    report = desk.read()
    desk.assert_equals_account(report)
    assert report.status is Status.SUCCES
    assert report.control is None
    (row,) = desk.rows(report).values()
    assert row.totals.requests == sum(fact.requests for fact in desk.account.facts("2026-01"))
    assert "pour le compte entier" in str(row.log)
    assert desk.asked() == {CREDITS: 1, STATS: 2, SUBSCRIPTION: 1, NAMES: 1}


@pytest.mark.parametrize("label", ["null", "None", "", None])
def test_the_account_is_whole_whatever_usage_without_a_model_is_called(desk: Desk, label: str | None) -> None:
    desk.account.money_column, desk.api.no_key_label = False, label
    report = desk.read()
    desk.assert_equals_account(report)
    (row,) = desk.rows(report).values()
    facts = [fact for fact in desk.account.facts("2026-01") if fact.model is None]
    nameless = [part.cost for part in row.breakdown if part.model is None and part.cost is not None]
    assert sum(nameless, Decimal(0)) == sum((fact.money for fact in facts), Decimal(0))


@pytest.mark.parametrize("fiat", ["zeros", "refused"])
def test_no_money_at_all_is_not_zero(desk: Desk, fiat: str) -> None:
    desk.account.money_column, desk.account.fiat_metric = False, fiat
    report = desk.read()
    desk.assert_equals_bill(report)
    assert totals(desk.rows(report).values()).cost is None
    assert report.status is Status.DONNEES_INDISPONIBLES
    assert not report.coarse
    assert [gap.kind for gap in report.gaps] == [GapKind.UNAVAILABLE]
    assert "aucun montant pour ce mois" in str(report.gaps[0].sentence)
    assert any(unit == "credits" for record in report.records for unit, _ in record.units)
    assert desk.asked()[SUBSCRIPTION] == 0


def test_no_money_for_the_days_in_credits_of_the_month_of_the_change(desk: Desk) -> None:
    account = desk.account
    account.money_column, account.fiat_metric, account.cost_billed_since = False, "zeros", MID_JANUARY
    report = desk.read()
    known = [fact.money for fact in account.facts("2026-01") if account.by_cost(fact.at.date())]
    assert totals(desk.rows(report).values()).cost == sum(known, Decimal(0))
    assert report.status is Status.DONNEES_INDISPONIBLES
    assert "les jours du 2026-01-01 au 2026-01-11" in str(report.gaps[0].sentence)


def test_money_of_the_account_joins_the_days_by_cost_in_the_month_of_the_change(desk: Desk) -> None:
    desk.account.money_column, desk.account.cost_billed_since = False, MID_JANUARY
    desk.assert_equals_account(desk.read())


def test_another_currency_of_the_account_leaves_the_keys_their_rows(desk: Desk) -> None:
    desk.account.money_column, desk.account.currency = False, "eur"
    report = desk.read()
    desk.assert_equals_bill(report)
    assert report.status is Status.DONNEES_INDISPONIBLES
    assert "en EUR" in str(report.gaps[0].sentence)


@pytest.mark.parametrize(
    ("path", "options", "passing"),
    [(STATS, {"status": 503}, True), (STATS, {"status": 401}, False), (SUBSCRIPTION, {"status": 503}, True)],
)
def test_money_of_the_account_that_could_not_be_read(
    desk: Desk, path: str, options: dict[str, Any], passing: bool
) -> None:
    desk.account.money_column = False
    desk.fault(Kind.STATUS, path, times=-1, **options)
    report = desk.read()
    assert report.status is Status.PARTIEL
    assert (report.gaps[0].kind, report.gaps[0].passing) == (GapKind.MISSING, passing)
    # Rows by key would stand in the way of the account's row once its money can be read.
    assert report.coarse
    assert totals(desk.rows(report).values()).cost is None


def test_a_missing_amount_is_counted(desk: Desk) -> None:
    def without(body: Any) -> Any:
        place = body["columns"].index("total_cost")
        used = next(row for row in body["rows"] if row[place] and row[place] > 0)
        used[place] = None
        return body

    desk.fault(Kind.REWRITE, CREDITS, rewrite=without, times=-1)
    report = desk.read()
    assert report.missing_amounts == 1
    assert report.status is Status.PARTIEL


# The last resort


@pytest.mark.parametrize("absent", [{CREDITS, COSTS}, {CREDITS}], ids=["no analytics", "no report in credits"])
def test_without_analytics_the_statistics_tell_of_the_account(desk: Desk, absent: set[str]) -> None:
    desk.api.absent = absent
    report = desk.read()
    desk.assert_equals_account(report)
    facts = desk.account.facts("2026-01")
    (row,) = desk.rows(report).values()
    credits = [amount for part in row.breakdown for unit, amount in part.units if unit == "credits"]
    assert sum(credits, Decimal(0)) == sum((fact.credits for fact in facts), Decimal(0))
    assert row.totals.requests == sum(fact.requests for fact in facts)
    assert "character-stats" in desk.log(report)
    assert report.requests == 11


def test_without_analytics_and_money(desk: Desk) -> None:
    desk.api.absent, desk.account.fiat_metric = {CREDITS, COSTS}, "refused"
    report = desk.read()
    assert report.coarse
    assert report.status is Status.DONNEES_INDISPONIBLES
    assert totals(desk.rows(report).values()).cost is None


def test_without_analytics_in_another_currency(desk: Desk) -> None:
    desk.api.absent, desk.account.currency = {CREDITS, COSTS}, "gbp"
    report = desk.read()
    assert report.status is Status.DONNEES_INDISPONIBLES
    money = [amount for record in report.records for unit, amount in record.units if unit == "cost_gbp"]
    assert sum(money, Decimal(0)) == sum((fact.money for fact in desk.account.facts("2026-01")), Decimal(0))


def test_an_address_where_nothing_is_served_is_an_error(desk: Desk) -> None:
    desk.api.absent = {CREDITS, COSTS, STATS, NAMES, SUBSCRIPTION}
    with pytest.raises(RefusedError, match="ne sert aucun rapport"):
        desk.read()


# Months


def test_the_running_month_is_read_up_to_now(desk: Desk) -> None:
    report = desk.read(FEBRUARY)
    desk.assert_equals_bill(report, FEBRUARY)
    assert report.data_until == desk.now
    assert report.control is None
    assert desk.asked() == {CREDITS: 1, NAMES: 1}
    body = json.loads(desk.server.journal.requests(path=CREDITS)[0].body)
    assert body["end_time"] == int(datetime(2026, 2, 15, tzinfo=UTC).timestamp()) * 1000 - 1


@pytest.mark.parametrize(("now", "provisional"), [(datetime(2026, 2, 2, tzinfo=UTC), True), (NOW, False)])
def test_a_month_that_has_just_ended_is_provisional(now: datetime, provisional: bool) -> None:
    desk = Desk(now)
    with desk.server:
        report = desk.read()
    assert report.provisional is provisional
    assert report.data_until is None


@pytest.mark.parametrize("since", [None, LONG_AGO])
def test_an_empty_month_is_not_proven_empty(desk: Desk, since: date | None) -> None:
    desk.account.cost_billed_since = since
    desk.account.clear("2026-01")
    report = desk.read()
    assert report.records == ()
    assert report.status is Status.SUCCES
    assert not report.empty_proven


def test_an_empty_month_without_money_lacks_nothing(desk: Desk) -> None:
    desk.account.money_column = False
    desk.account.clear("2026-01")
    assert desk.read().status is Status.SUCCES


def test_months_before_analytics_began_are_not_asked_for(desk: Desk) -> None:
    report = desk.read(Month.parse("2019-12"))
    assert report.status is Status.DONNEES_INDISPONIBLES
    assert not desk.server.journal.requests()


def test_a_second_reading_tells_the_same(desk: Desk) -> None:
    assert desk.read() == desk.read()


# Requests


@pytest.mark.parametrize(
    ("since", "asked"),
    [
        (None, {CREDITS: 2, NAMES: 1}),
        (LONG_AGO, {CREDITS: 1, COSTS: 2, NAMES: 1}),
        (MID_JANUARY, {CREDITS: 4, COSTS: 2, NAMES: 1}),
    ],
)
def test_requests_for_a_month(desk: Desk, since: date | None, asked: dict[str, int]) -> None:
    desk.account.cost_billed_since = since
    report = desk.read()
    assert desk.asked() == asked
    assert report.requests == sum(asked.values())


def test_pages_are_the_answers_that_were_read(desk: Desk) -> None:
    assert desk.read().pages == 3


@pytest.mark.parametrize("since", [None, LONG_AGO, MID_JANUARY])
def test_requests_fit_the_published_description(desk: Desk, shared: Path, since: date | None) -> None:
    spec = yaml.safe_load((shared / "specs/elevenlabs.yaml").read_text())
    desk.account.cost_billed_since = since
    desk.read()
    desk.api.absent = {CREDITS, COSTS}
    seen = desk.server.journal.requests()
    desk.read()
    for request in [*seen, *desk.server.journal.requests()]:
        described = spec["paths"][request.path][request.method.lower()]
        known = {parameter["name"]: parameter["schema"] for parameter in described.get("parameters", ())}
        for name, value in parse_qsl(request.query):
            typed = json.loads(value) if known[name].get("type") in ("integer", "boolean") else value
            Draft202012Validator({**known[name], "components": spec["components"]}).validate(typed)
        if request.method == "POST":
            schema = described["requestBody"]["content"]["application/json"]["schema"]
            body = json.loads(request.body)
            Draft202012Validator({**schema, "components": spec["components"]}).validate(body)
            assert body["interval_seconds"] == 86400


def test_the_endpoint_that_returns_the_key_is_never_asked(desk: Desk) -> None:
    for absent in (set[str](), {CREDITS}, {CREDITS, COSTS}):
        desk.api.absent = absent
        desk.read()
        assert all(request.path != "/v1/user" for request in desk.server.journal.requests())
        desk.check()
        assert all(request.path != "/v1/user" for request in desk.server.journal.requests())


# The control total


def worth(factor: int) -> Callable[[Any], Any]:
    def rewrite(body: Any) -> Any:
        place = body["columns"].index("total_cost")
        for row in body["rows"]:
            row[place] *= factor
        return body

    return rewrite


def ungrouped(_: Mapping[str, str], body: bytes) -> bool:
    return "group_by" not in json.loads(body)


def test_a_total_that_differs_once_is_read_again(desk: Desk) -> None:
    desk.fault(Kind.REWRITE, CREDITS, rewrite=worth(2), when=ungrouped)
    report = desk.read()
    assert report.status is Status.SUCCES
    assert report.control is not None
    assert report.control.agrees
    assert desk.asked()[CREDITS] == 4


def test_a_total_that_differs_twice_is_believed(desk: Desk) -> None:
    desk.fault(Kind.REWRITE, CREDITS, rewrite=worth(2), when=ungrouped, times=-1)
    report = desk.read()
    assert report.status is Status.PARTIEL
    assert not report.gaps[0].passing
    assert "ne correspond pas au total" in str(report.gaps[0].sentence)


@pytest.mark.parametrize("status", [400, 503])
def test_a_total_that_can_not_be_read_checks_nothing(desk: Desk, status: int) -> None:
    desk.fault(Kind.STATUS, CREDITS, status=status, when=ungrouped, times=-1)
    report = desk.read()
    desk.assert_equals_bill(report)
    assert report.control is None
    assert report.status is Status.SUCCES


# Keys, scopes, trouble


@pytest.mark.parametrize("status", [400, 401])
def test_a_wrong_key_is_told_so(desk: Desk, status: int) -> None:
    desk.api.wrong_key_status = status  # type: ignore[assignment]
    desk.extra = {"ELEVENLABS_API_KEY": "sk_wrong_key"}
    with pytest.raises(CredentialError) as error:
        desk.read()
    assert "sk_wrong" not in repr(error.value.sentence)
    assert len(desk.server.journal.requests()) == 1


def test_a_key_without_analytics_is_told_which_permission_it_lacks(desk: Desk) -> None:
    desk.extra = {"ELEVENLABS_API_KEY": desk.account.limited_key}
    with pytest.raises(CredentialError, match="workspace_analytics_full_read"):
        desk.read()
    findings = desk.check()
    assert findings["usage and cost"].status is CheckStatus.BAD
    assert findings["plan"].status is CheckStatus.OK


def test_a_key_without_names_shows_beginnings_of_hashes(desk: Desk) -> None:
    desk.extra = {"ELEVENLABS_API_KEY": desk.account.nameless_key}
    report = desk.read()
    desk.assert_equals_bill(report)
    assert report.status is Status.SUCCES
    assert all(row.name in (key, key[:8]) for key, row in desk.rows(report).items())
    assert "workspace_read" in desk.log(report)


def test_names_that_are_not_offered_are_no_trouble(desk: Desk) -> None:
    desk.api.absent = {NAMES}
    report = desk.read()
    assert report.status is Status.SUCCES
    assert "noms" not in desk.log(report)


def test_a_key_that_may_see_its_own_usage_only_is_suspected(desk: Desk) -> None:
    desk.account.own_hash = desk.account.service_accounts[0].keys[0].hash
    facts = desk.account.facts("2026-01")
    facts[:] = [fact for fact in facts if fact.key == desk.account.own_hash]
    assert "workspace_analytics_full_read" in desk.log(desk.read())


@pytest.mark.parametrize("kind", [Kind.CUT_BEFORE, Kind.CUT_AFTER, Kind.TRUNCATE, Kind.STATUS])
def test_passing_trouble_is_waited_for(desk: Desk, kind: Kind) -> None:
    for path in (CREDITS, NAMES):
        desk.fault(kind, path, times=2)
    desk.assert_equals_bill(desk.read())


def test_lasting_trouble_is_not_taken_for_days_billed_by_cost(desk: Desk) -> None:
    desk.fault(Kind.STATUS, CREDITS, status=429, times=-1)
    with pytest.raises(TransientError):
        desk.read()
    assert desk.asked() == {CREDITS: 7}


@pytest.mark.parametrize("code", ["rate_limit_exceeded", "concurrent_limit_exceeded", "system_busy"])
def test_a_limit_under_another_status_is_waited_for(desk: Desk, code: str) -> None:
    detail = {"type": "rate_limit_error", "code": code, "status": code, "message": "…", "request_id": "1"}
    desk.fault(Kind.STATUS, CREDITS, status=400, body={"detail": detail}, times=3)
    desk.assert_equals_bill(desk.read())
    assert desk.asked()[CREDITS] == 5


def test_a_page_of_html_breaks_the_contract(desk: Desk) -> None:
    desk.fault(Kind.HTML, CREDITS, times=-1)
    with pytest.raises(ContractError, match="HTML"):
        desk.read()


@pytest.mark.parametrize("kind", [Kind.HTML, Kind.STATUS])
def test_names_that_can_not_be_read_cost_names_alone(desk: Desk, kind: Kind) -> None:
    desk.fault(kind, NAMES, times=-1)
    report = desk.read()
    desk.assert_equals_bill(report)
    assert report.status is Status.SUCCES
    assert "Les noms n’ont pas pu être lus" in desk.log(report)


def test_a_total_that_breaks_the_contract_checks_nothing_and_is_said(desk: Desk) -> None:
    desk.fault(Kind.HTML, CREDITS, when=ungrouped, times=-1)
    report = desk.read()
    desk.assert_equals_bill(report)
    assert (report.control, report.status) == (None, Status.SUCCES)
    assert "Le total d’ElevenLabs n’a pas pu être lu" in desk.log(report)


def test_a_second_reading_that_fails_leaves_the_first(desk: Desk) -> None:
    desk.fault(Kind.REWRITE, CREDITS, rewrite=worth(2), when=ungrouped)
    grouped = 0

    def second(_: Mapping[str, str], body: bytes) -> bool:
        nonlocal grouped
        grouped += "group_by" in json.loads(body)
        return "group_by" in json.loads(body) and grouped > 1

    desk.fault(Kind.STATUS, CREDITS, status=500, when=second, times=-1)
    report = desk.read()
    desk.assert_equals_bill(report)
    assert report.status is Status.PARTIEL


def test_an_exhausted_quota_is_no_wrong_key_and_no_empty_month(desk: Desk) -> None:
    desk.fault(Kind.STATUS, CREDITS, status=401, body={"detail": {"status": "quota_exceeded"}}, times=-1)
    with pytest.raises(TransientError, match="quota") as error:
        desk.read()
    assert error.value.final
    # No other report is taken to have what this one keeps to itself.
    assert desk.asked() == {CREDITS: 1}


def test_lines_that_can_not_be_read_are_counted_and_said(desk: Desk) -> None:
    def odd(body: Any) -> Any:
        body["rows"].append([None for _ in body["columns"]])
        return body

    desk.fault(Kind.REWRITE, CREDITS, rewrite=odd, times=-1)
    report = desk.read()
    desk.assert_equals_bill(report)
    assert report.status is Status.PARTIEL
    assert "lignes illisibles : 1" in desk.log(report)
    assert {(count.what.fr.rsplit("/", 1)[-1], count.count) for count in report.dropped} == {
        (f"{CREDITS} : lignes illisibles", 1)
    }


def without_units(body: Any) -> Any:
    # The refusal of days billed by cost has no columns.
    if "columns" in body:
        body["column_units"][body["columns"].index("total_cost")] = None
    return body


@pytest.mark.parametrize("since", [None, LONG_AGO, MID_JANUARY])
def test_money_without_a_unit_is_in_the_currency_of_its_row(desk: Desk, since: date | None) -> None:
    desk.account.cost_billed_since = since
    desk.fault(Kind.REWRITE, "analytics", rewrite=without_units, times=-1)
    report = desk.read()
    desk.assert_equals_bill(report)
    assert report.status is Status.SUCCES
    # The total has no rows that could tell.
    assert report.control is None
    assert "n’y sont pas comparées" in desk.log(report)


def test_requests_that_are_not_counted_are_said(desk: Desk) -> None:
    def uncounted(body: Any) -> Any:
        place = body["columns"].index("usage_count")
        body["columns"][place], body["column_units"][place] = "stars", "rating"
        return body

    desk.fault(Kind.REWRITE, CREDITS, rewrite=uncounted, times=-1)
    report = desk.read()
    assert report.status is Status.SUCCES
    assert "ne compte pas les requêtes" in desk.log(report)
    assert [count.what.fr.rsplit("/", 1)[-1] for count in report.new_fields] == [f"{CREDITS} columns.stars"]


@pytest.mark.parametrize("field", ["columns", "column_types", "column_units", "rows"])
def test_a_missing_field_breaks_the_contract(desk: Desk, field: str) -> None:
    desk.fault(Kind.REWRITE, CREDITS, rewrite=lambda body: {k: v for k, v in body.items() if k != field})
    with pytest.raises(ContractError, match=field):
        desk.read()


def test_money_that_two_columns_could_be_is_left_out_and_said(desk: Desk) -> None:
    def doubled(body: Any) -> Any:
        body["columns"][body["columns"].index("total_cost")] = "cost"
        body["columns"].append("discounted_cost")
        body["column_types"].append("Float")
        body["column_units"].append("usd")
        for row in body["rows"]:
            row.append(0.1)
        return body

    desk.fault(Kind.REWRITE, CREDITS, rewrite=doubled, times=-1)
    report = desk.read()
    assert report.status is Status.PARTIEL
    assert "cost (Float, usd) ; discounted_cost (Float, usd)" in desk.log(report)
    assert [count.what.fr.rsplit(" : ")[-1] for count in report.dropped] == ["le montant"]
    # Rows by key stay, with their credits: the account's own money does not take their place.
    assert set(desk.rows(report)) == {row.key or NO_API_KEY for row in desk.api.bill(desk.account, "2026-01").rows}
    assert all(row.totals.cost is None for row in desk.rows(report).values())
    assert desk.asked()["/character-stats"] == 0


def test_fields_and_columns_that_are_new_are_left_alone(desk: Desk) -> None:
    def grown(body: Any) -> Any:
        body["columns"].insert(0, "voice_name")
        body["column_types"].insert(0, "Map")
        body["column_units"].insert(0, "rating")
        for row in body["rows"]:
            row.insert(0, {"en": "Rachel"})
        return {**body, "truncated": False}

    desk.fault(Kind.REWRITE, CREDITS, rewrite=grown, times=-1)
    desk.assert_equals_bill(desk.read())


# Check


@pytest.mark.parametrize(
    ("since", "billed", "requests"), [(None, "in credits", 3), (LONG_AGO, "by cost", 4), (MID_JANUARY, "in credits", 3)]
)
def test_check_finds_all_well(desk: Desk, since: date | None, billed: str, requests: int) -> None:
    desk.account.cost_billed_since = since
    findings = desk.check()
    assert {finding.status for finding in findings.values()} == {CheckStatus.OK}
    assert billed in findings["usage"].sentence.en
    assert "USD" in str(findings["cost"].sentence)
    assert set(findings) == {"usage", "cost", "key names", "plan"}
    assert len(desk.server.journal.requests()) == requests


def test_check_says_what_is_wrong(desk: Desk) -> None:
    desk.account.currency = "eur"
    desk.extra = {"ELEVENLABS_API_KEY": desk.account.nameless_key}
    findings = desk.check()
    assert findings["cost"].status is CheckStatus.WARNING
    assert "EUR" in str(findings["cost"].sentence)
    assert findings["key names"].status is CheckStatus.WARNING
    desk.account.currency, desk.account.money_column = "usd", False
    assert "character-stats" in str(desk.check()["cost"].sentence)


def test_check_with_a_wrong_key(desk: Desk) -> None:
    desk.extra = {"ELEVENLABS_API_KEY": "sk_wrong_key"}
    findings = desk.check()
    assert findings["usage and cost"].status is CheckStatus.BAD
    assert all("sk_wrong" not in repr(finding) for finding in findings.values())


def test_check_without_analytics(desk: Desk) -> None:
    desk.api.absent = {CREDITS, COSTS}
    assert desk.check()["usage and cost"].status is CheckStatus.WARNING
    desk.api.absent.add(STATS)
    assert desk.check()["usage and cost"].status is CheckStatus.BAD


def test_check_on_a_day_without_usage(desk: Desk) -> None:
    desk.account.clear("2026-01")
    desk.account.money_column = False
    findings = desk.check()
    assert findings["cost"].status is CheckStatus.OK
    assert "no usage" in findings["cost"].sentence.en


def test_all_is_told_in_both_languages(desk: Desk, in_both_languages: Callable[[Iterable[Sentence]], None]) -> None:
    desk.account.cost_billed_since, desk.account.currency = MID_JANUARY, "eur"
    desk.fault(Kind.HTML, NAMES, times=-1)
    told: list[Sentence] = []
    for has_money in (True, False):
        desk.account.money_column = has_money
        report = desk.read()
        told += [gap.sentence for gap in report.gaps]
        told += [*report.remarks, report.row_note, *(one.sentence for one in desk.check().values())]
    in_both_languages(told)


def test_no_sentence_holds_the_key_or_a_query(desk: Desk) -> None:
    told = [desk.log(desk.read())]
    desk.account.money_column = False
    told.append(desk.log(desk.read()))
    desk.fault(Kind.STATUS, "analytics", status=500, times=-1)
    with pytest.raises(SourceError) as error:
        desk.read()
    told.append(str(error.value))
    for text in told:
        assert desk.account.key not in text
        assert "?" not in text


def test_time_of_the_change_may_lie_in_the_running_month(desk: Desk) -> None:
    desk.account.cost_billed_since = date(2026, 2, 8)
    desk.assert_equals_bill(desk.read(FEBRUARY), FEBRUARY)
    # A change that is yet to come concerns no day so far.
    desk.account.cost_billed_since = desk.now.date() + timedelta(days=1)
    report = desk.read(FEBRUARY)
    desk.assert_equals_bill(report, FEBRUARY)
    assert desk.asked() == {CREDITS: 1, NAMES: 1}


def without_a_day(body: Any) -> Any:
    """The table without its rows of the 20th."""
    if isinstance(body.get("rows"), list):
        body["rows"] = [row for row in body["rows"] if not any(str(cell).startswith("2026-01-20") for cell in row)]
    return body


@pytest.mark.parametrize("since", [None, MID_JANUARY, LONG_AGO])
def test_days_are_told_where_each_has_a_row(desk: Desk, since: date | None) -> None:
    desk.account.cost_billed_since = since
    report = desk.read()
    assert (report.days_read, report.missing_days) == (31, ())
    desk.fault(Kind.REWRITE, "/analytics/", rewrite=without_a_day, times=-1)
    assert desk.read().days_read is None


def test_days_of_a_month_that_runs_are_not_told(desk: Desk) -> None:
    assert desk.read(FEBRUARY).days_read is None

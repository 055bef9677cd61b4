from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usage.grain import NO_API_KEY, NO_PROJECT
from usage.language.sentence import SILENCE
from usage.money import exact_sum
from usage.names import Grain, Kind, ProviderName, Source, Status
from usage.outcomes.report import Gap, GapKind, SourceReport, Thing
from usage.outcomes.rows import LabelledReport, Totals, UsageRow, build_rows, totals
from usage.records.breakdown import BreakdownEntry, to_json
from usage.records.record import UsageRecord

MakeReport = Callable[..., SourceReport]


def rows_of(report: SourceReport, grain: Grain = Grain.PROJECT, label: str = "") -> tuple[UsageRow, ...]:
    return build_rows([LabelledReport(report, grain, label)])[report.source]


def whole(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


@given(data=st.data(), provider=st.sampled_from(ProviderName), grain=st.sampled_from(Grain), coarse=st.booleans())
def test_rows_and_breakdowns_add_up_to_the_records(
    *,
    data: st.DataObject,
    provider: ProviderName,
    grain: Grain,
    coarse: bool,
    record_lists: st.SearchStrategy[list[UsageRecord]],
    make_report: MakeReport,
) -> None:
    records = data.draw(record_lists)
    rows = rows_of(make_report(*records, provider=provider, coarse=coarse), grain, "labo")
    assert totals(rows) == Totals(
        cost=exact_sum(record.cost for record in records),
        tokens_input=whole([record.tokens_input for record in records]),
        tokens_output=whole([record.tokens_output for record in records]),
        requests=whole([record.requests for record in records]),
        allocated=exact_sum(record.allocated for record in records),
    )
    for row in rows:
        assert row.totals.cost == exact_sum(entry.cost for entry in row.breakdown)
        assert row.totals.allocated == exact_sum(entry.allocated for entry in row.breakdown)
        for name in ("tokens_input", "tokens_output", "requests"):
            assert getattr(row.totals, name) == whole([getattr(entry, name) for entry in row.breakdown])
        assert row.models == tuple(entry.model for entry in row.breakdown if entry.model is not None)
        assert all((entry.model is None) != (entry.item is None) for entry in row.breakdown)
        assert len({(entry.model, entry.item) for entry in row.breakdown}) == len(row.breakdown)
    for unit in ("hours", "cost_eur"):
        amounts = [amount for row in rows for entry in row.breakdown for name, amount in entry.units if name == unit]
        expected = [amount for record in records for name, amount in record.units if name == unit]
        assert exact_sum(amounts) == exact_sum(expected)
    assert len({(row.key, row.workspace) for row in rows}) == len(rows)


@given(data=st.data())
def test_rows_do_not_depend_on_the_order_of_the_records(
    data: st.DataObject, record_lists: st.SearchStrategy[list[UsageRecord]], make_report: MakeReport
) -> None:
    records = data.draw(record_lists)
    shuffled = data.draw(st.permutations(records))
    anthropic = ProviderName.ANTHROPIC
    assert rows_of(make_report(*shuffled, provider=anthropic)) == rows_of(make_report(*records, provider=anthropic))


@settings(max_examples=20)  # three tables each
@given(data=st.data())
def test_sources_do_not_mix(
    data: st.DataObject, record_lists: st.SearchStrategy[list[UsageRecord]], make_report: MakeReport
) -> None:
    readings = [
        LabelledReport(make_report(*data.draw(record_lists), source=source), Grain.PROJECT, source.account)
        for source in (
            Source(provider=ProviderName.OPENAI),
            Source(provider=ProviderName.OPENAI, account="labo"),
            Source(provider=ProviderName.ELEVENLABS),
        )
    ]
    together = build_rows(readings)
    assert list(together) == [reading.report.source for reading in readings]
    for reading in readings:
        assert together[reading.report.source] == build_rows([reading])[reading.report.source]


def test_no_source_and_no_record(make_report: MakeReport) -> None:
    assert build_rows([]) == {}
    assert rows_of(make_report()) == ()
    assert totals([]) == Totals()


def test_one_row_a_project(make_report: MakeReport) -> None:
    report = make_report(
        UsageRecord(project="p1", api_key="k1", model="a", cost=Decimal("0.2"), requests=3),
        UsageRecord(project="p1", api_key="k2", model="b", cost=Decimal("1.5")),
        UsageRecord(project="p1", item="credit", cost=Decimal("-0.1")),
        UsageRecord(model="a", requests=1),
        things=(Thing(kind=Kind.PROJECT, id="p1", name="Production"), Thing(kind=Kind.PROJECT, id="p2", name="Idle")),
        row_note="Coûts du rapport.",
    )
    nobody, row = rows_of(report, label="labo")
    assert (row.key, row.workspace, row.name) == ("p1", "labo", "Production")
    assert row.totals == Totals(cost=Decimal("1.6"), requests=3)
    assert row.models == ("b", "a")
    assert row.breakdown == (
        BreakdownEntry(model="b", cost=Decimal("1.5")),
        BreakdownEntry(model="a", cost=Decimal("0.2"), requests=3),
        BreakdownEntry(item="credit", cost=Decimal("-0.1")),
    )
    assert (row.status, str(row.log)) == (Status.SUCCES, "Coûts du rapport.")
    assert (nobody.key, nobody.workspace, nobody.name) == (NO_PROJECT, "labo", NO_PROJECT)


def test_one_row_a_key(make_report: MakeReport) -> None:
    records = (
        UsageRecord(project="p1", api_key="k1", requests=1),
        UsageRecord(project="p2", api_key="k1", requests=2),
        UsageRecord(project="p1", requests=4),
        UsageRecord(project="p2", requests=8),
    )
    things = (Thing(kind=Kind.API_KEY, id="k1", name="robot"), Thing(kind=Kind.PROJECT, id="k1", name="no key"))
    rows = rows_of(make_report(*records, things=things), Grain.API_KEY)
    # A key of the provider's is one row wherever it worked; usage without a key is one row for each project.
    assert [(row.key, row.workspace, row.name, row.totals.requests) for row in rows] == [
        (NO_API_KEY, "p1", NO_API_KEY, 4),
        (NO_API_KEY, "p2", NO_API_KEY, 8),
        ("k1", "p2", "robot", 3),
    ]


@pytest.mark.parametrize("name", [None, "", "  \n"])
def test_what_has_no_name_is_called_by_its_id(make_report: MakeReport, name: str | None) -> None:
    things = (Thing(kind=Kind.PROJECT, id="p1", name=name),)
    assert rows_of(make_report(UsageRecord(project="p1"), things=things))[0].name == "p1"


def test_one_row_for_the_account(make_report: MakeReport) -> None:
    report = make_report(
        UsageRecord(api_key="k1", requests=1), UsageRecord(requests=2), provider=ProviderName.ELEVENLABS
    )
    (row,) = rows_of(report, Grain.PROJECT)
    assert (row.key, row.totals.requests) == ("default", 3)


def test_the_status_of_a_row(make_report: MakeReport) -> None:
    missing = Gap(kind=GapKind.MISSING, sentence="Il manque une partie.")
    unavailable = Gap(kind=GapKind.UNAVAILABLE, sentence="Pas de montants.")
    record = UsageRecord(project="p1", cost=Decimal(1))
    incomplete = UsageRecord(project="p2", cost=Decimal(1), missing_amounts=2)

    def statuses(*gaps: Gap) -> list[Status]:
        return [row.status for row in rows_of(make_report(record, incomplete, gaps=gaps))]

    assert statuses() == [Status.SUCCES, Status.PARTIEL]
    assert statuses(unavailable) == [Status.DONNEES_INDISPONIBLES, Status.PARTIEL]
    assert statuses(unavailable, missing) == [Status.PARTIEL, Status.PARTIEL]
    row = rows_of(make_report(incomplete, gaps=(missing,)))[0]
    assert str(row.log) == "2 montants manquent dans la réponse. Il manque une partie."


def test_rows_say_that_their_cost_was_divided_and_what_share_they_have(make_report: MakeReport) -> None:
    def record(key: str | None, model: str, cost: str, allocated: str | None) -> UsageRecord:
        part = None if allocated is None else Decimal(allocated)
        return UsageRecord(project="p1", api_key=key, model=model, cost=Decimal(cost), allocated=part)

    report = make_report(
        record("a", "large", "3.10", "2.10"),
        record("a", "small", "1", "1"),
        record("b", "large", "1.90", "1.90"),
        record(None, "large", "7", None),
        UsageRecord(project="p2", api_key="c", model="large", cost=Decimal("0.5"), allocated=Decimal("0.5")),
        record("d", "large", "0.001", "0.001"),
    )
    rows = {row.key: row for row in rows_of(report, Grain.API_KEY)}
    told = "Coût réparti selon l’usage : {} % des {} USD que le fournisseur ne donne pas par clé, soit {} USD."
    assert {key: str(row.log) for key, row in rows.items()} == {
        "a": told.format("62", "5,00", "3,10"),
        "b": told.format("38", "5,00", "1,90"),
        NO_API_KEY: "",
        "c": told.format("100", "0,50", "0,50"),
        "d": told.format("moins de 0,1", "5,00", "0,001"),
    }
    assert to_json(rows["a"].breakdown) == (
        '[{"model":"large","cost":3.10,"allocated":2.10,"share":0.5249},'
        '{"model":"small","cost":1.00,"allocated":1.00,"share":1}]'
    )
    assert to_json(rows[NO_API_KEY].breakdown) == '[{"model":"large","cost":7.00}]'


def test_a_part_that_is_more_than_the_whole_is_marked_without_a_share(make_report: MakeReport) -> None:
    def record(key: str, cost: str) -> UsageRecord:
        return UsageRecord(project="p1", api_key=key, model="m", cost=Decimal(cost), allocated=Decimal(cost))

    # A charge and its refund, of days on which the keys used different shares.
    rows = rows_of(make_report(record("a", "1000000"), record("b", "-1000000"), record("b", "1E-30")), Grain.API_KEY)
    told = "Coût réparti selon l’usage : {} USD que le fournisseur ne donne pas par clé."
    first, second = (str(row.log) for row in rows)
    assert first == told.format("1000000,00")
    assert second == told.format("-1000000,00")
    assert all(entry.share is None for row in rows for entry in row.breakdown)


def test_a_gap_of_one_project_concerns_its_row_only(make_report: MakeReport) -> None:
    gap = Gap(kind=GapKind.MISSING, sentence="Il manque les images.", within="p1")
    records = [UsageRecord(project=project, cost=Decimal(1)) for project in ("p1", "p2")]
    rows = rows_of(make_report(*records, gaps=(gap,)))
    assert [(row.status, row.log) for row in rows] == [(Status.PARTIEL, gap.sentence), (Status.SUCCES, SILENCE)]


def test_rows_do_not_depend_on_the_moment_of_reading(make_report: MakeReport) -> None:
    record = UsageRecord(project="p1", cost=Decimal(1))
    logs = {
        str(rows_of(make_report(record, read_at=moment, data_until=moment, requests=number))[0].log)
        for number, moment in enumerate(datetime(2026, 1, day, tzinfo=UTC) for day in (3, 9, 27))
    }
    assert logs == {"Chiffres d’un mois en cours."}

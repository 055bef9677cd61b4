"""What the page shows adds up to Notion's rows, to the last digit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.ledger import Ledger, LedgerRow, MonthLedger, OwnColumn
from reports.page.figures.report import Report, last_months, report_of
from reports.page.figures.shares import Breakdown
from tests.reports.page.ledgers import (
    ANTHROPIC,
    DEEPGRAM,
    ELEVENLABS,
    MONTH,
    NOW,
    OPENAI,
    agency,
    awkward,
    one_month,
    row,
    source,
)
from usage.money import exact_sum
from usage.month import Month
from usage.names import ProviderName, Status
from usage.outcomes.proof import MonthState
from usage.records.record import UsageRecord

RUNNING = datetime(2026, 2, 18, 9, 0, tzinfo=UTC)
FEBRUARY = Month.parse("2026-02")
AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-1000, max_value=100_000, places=12)


def page(ledger: Ledger, month: Month = MONTH, count: int = 12, **more: Any) -> Report:
    return report_of(ledger, last_months(month, count), **more)


def breakdowns(report: Report) -> list[Breakdown]:
    return [report.providers, report.projects, report.models, *(one for _, one in report.own)]


@pytest.mark.parametrize("make", [agency, awkward, lambda: agency(RUNNING)], ids=["agency", "awkward", "running"])
def test_every_table_adds_up_to_the_rows(make: Callable[[], Ledger]) -> None:
    ledger = make()
    report = page(ledger, ledger.months[-1].month, by=("Client",))
    cost = ledger.months[-1].cost
    assert cost is not None
    for one in breakdowns(report):
        assert exact_sum(line.cost for line in one.lines) == one.total == cost
        shares = exact_sum(one.share(line) for line in one.lines)
        assert shares is not None
        assert abs(shares - 1) < Decimal("1e-20")
    assert exact_sum([*(day.total for day in report.days.days), report.days.undated]) == cost
    assert report.months[-1].total == report.comparison.total == cost


@pytest.mark.parametrize("make", [agency, awkward, lambda: agency(RUNNING)], ids=["agency", "awkward", "running"])
def test_the_changes_of_every_table_add_up_to_that_of_the_month(make: Callable[[], Ledger]) -> None:
    ledger = make()
    report = page(ledger, ledger.months[-1].month, by=("Client",))
    assert report.comparison.cost is not None
    for one in breakdowns(report):
        changes = [line.change.amount for line in one.lines if line.change is not None]
        assert exact_sum(changes) == report.comparison.cost.amount


@given(costs=st.lists(st.tuples(st.sampled_from(list(ProviderName)), st.none() | AMOUNTS), max_size=12))
def test_whatever_the_amounts_they_add_up(costs: list[tuple[ProviderName, Decimal | None]]) -> None:
    rows = [
        row(UsageRecord(model=f"m{place % 3}", cost=cost, day=date(2026, 1, 1 + place)), provider=name, key=f"k{place}")
        for place, (name, cost) in enumerate(costs)
    ]
    report = page(one_month(*rows), by=("Client",))
    for one in breakdowns(report):
        assert exact_sum(line.cost for line in one.lines) == report.month.cost
        shares = [share for line in one.lines if (share := one.share(line)) is not None]
        assert all(0 <= share <= 1 for share in shares)
        assert not shares or abs(sum(shares, Decimal(0)) - 1) < Decimal("1e-20")
        assert one.share(*one.lines) == (1 if shares else None)
    assert exact_sum(day.total for day in report.days.days) == report.month.cost


def test_the_dearest_comes_first_and_what_nobody_tells_last() -> None:
    def of(name: str, cost: str | None) -> LedgerRow:
        return row(UsageRecord(cost=None if cost is None else Decimal(cost)), key=name, name=name)

    report = page(one_month(of("a", "1"), of("b", None), of("c", "-2"), of("d", "30")))
    assert [line.name for line in report.projects.lines] == ["d", "a", "c", "b"]


def test_projects_of_one_name_are_told_apart() -> None:
    rows = [row(UsageRecord(cost=Decimal(1)), key=key) for key in ("proj_1", "proj_with_an_id_that_is_much_too_long")]
    report = page(one_month(*rows, row(UsageRecord(cost=Decimal(1)), key="x", name="Other")))
    assert [line.detail for line in report.projects.lines] == ["", "proj_1", "proj_with_an_id_th…_long"]


def test_a_row_with_two_values_counts_once_under_both() -> None:
    def of(key: str, *values: str) -> LedgerRow:
        own = (OwnColumn("Client", values),) if values else ()
        return row(UsageRecord(cost=Decimal(2)), key=key, own=own)

    ledger = one_month(of("a", "ACME", "Beta"), of("b", "Beta", "acme"), of("c", "ACME"), of("d"))
    ((_, breakdown),) = page(ledger, by=("Client",)).own
    assert [(line.name, line.cost) for line in breakdown.lines] == [
        ("ACME + Beta", Decimal(4)),
        ("", Decimal(2)),
        ("ACME", Decimal(2)),
    ]
    assert breakdown.nameless is not None
    assert breakdown.share(breakdown.nameless) == Decimal("0.25")


def test_what_tells_no_days_stands_beside_the_days() -> None:
    ledger = one_month(
        row(UsageRecord(cost=Decimal("1.5"), day=date(2026, 1, 2))),
        row(UsageRecord(cost=Decimal("2.25")), provider=DEEPGRAM, key="d", by_day=False),
    )
    days = page(ledger).days
    assert (days.undated, days.undated_providers) == (Decimal("2.25"), (DEEPGRAM,))
    assert len(days.days) == 31
    assert days.days[1].costs == {OPENAI: Decimal("1.5")}


def test_a_running_month_has_the_days_that_have_begun() -> None:
    days = page(agency(RUNNING), FEBRUARY).days.days
    assert [days[0].day, days[-1].day] == [date(2026, 2, 1), date(2026, 2, 18)]


def test_months_that_were_not_collected_are_no_zeros() -> None:
    report = page(agency(months=3), count=5, known={Month.parse("2025-09"): {OPENAI: Decimal(7)}})
    assert [(one.is_collected, one.total is None) for one in report.months[:2]] == [(True, False), (False, True)]


def test_what_is_missing_worst_first() -> None:
    rows = [row(UsageRecord(cost=Decimal(1)))]
    sources = [
        source(OPENAI, MONTH, missing_days=(date(2026, 1, 3),)),
        source(DEEPGRAM, MONTH, Status.DONNEES_INDISPONIBLES, "Pas de montants."),
        source(ELEVENLABS, MONTH, Status.PARTIEL, "Il manque une partie."),
        source(ANTHROPIC, MONTH, Status.ECHEC, "Refus."),
    ]
    report = page(one_month(*rows, sources=sources))
    assert [one.provider for one in report.missing] == [ANTHROPIC, ELEVENLABS, DEEPGRAM, OPENAI]
    assert (report.evidence.sources, report.evidence.read, report.evidence.whole) == (4, 3, 1)


def test_a_month_is_proven_as_far_as_all_of_it_is() -> None:
    report = page(agency())
    assert report.evidence.state is MonthState.SETTLED
    assert (report.evidence.agree, report.evidence.differ) == (4, 0)
    assert report.evidence.figures_of == MONTH.end + timedelta(days=4)


def test_nothing_at_all_is_no_error() -> None:
    report = page(Ledger((MonthLedger(MONTH),), NOW))
    assert report.comparison.total is None
    assert not [*report.days.days, *report.missing, *report.projects.lines]

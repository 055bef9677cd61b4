"""Rows of API keys: a cost is the provider's own, or divided by usage, which it says; together they are the bill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from archive.archive import Archive
from archive.files.answers import AnswerLog
from archive.store import FolderStore
from notion.rows.receipt import receipt_of
from sandbox.server import Server
from tests.conformance.desk import CASES, NOW, Case, Desk
from usage.grain import NO_API_KEY
from usage.language.choice import Language
from usage.money import exact_sum
from usage.names import ProviderName, Status
from usage.outcomes.outcome import build_outcomes
from usage.outcomes.report import SourceReport
from usage.outcomes.rows import LabelledReport, UsageRow, totals

Withhold = Callable[[Any], None]


def never(api: Any) -> None:
    api.costs_by_key = False


def before_a_day(api: Any) -> None:
    api.keys_since = datetime(2026, 1, 12, tzinfo=UTC)


WITHOUT_KEYS: Final[tuple[tuple[ProviderName, Withhold], ...]] = (
    (ProviderName.OPENAI, never),
    (ProviderName.OPENAI, before_a_day),
)
"""How providers withhold keys from money that they tell of a project. The others give cost by key or, in months that
they only have by workspace or account, rows of these."""


def use_keys(desk: Desk) -> Desk:
    desk.extra[desk.case.name.spec.grain_variable] = "api_key"
    return desk


def bill_of(desk: Desk, report: SourceReport) -> Decimal | None:
    return desk.api.bill(desk.account_of(report.source), str(report.month)).total


@pytest.mark.parametrize("month", ["2026-01", "2025-12", "2026-02"])
def test_cost_by_key_is_exact_where_the_provider_gives_it(case: Case, desk: Desk, month: str) -> None:
    use_keys(desk)
    for source in desk.sources:
        report = desk.read(month, source)
        rows = desk.rows(report)
        assert totals(rows).cost == bill_of(desk, report)
        assert report.status is Status.SUCCES
        assert totals(rows).allocated is None
        assert not any("réparti" in row.log.fr for row in rows)
        assert not any(entry.share is not None for row in rows for entry in row.breakdown)


@pytest.fixture(params=WITHOUT_KEYS, ids=lambda param: f"{param[0]}-{param[1].__name__}")
def withholding(request: pytest.FixtureRequest) -> Iterator[tuple[Desk, Withhold]]:
    """A provider that can withhold keys from its costs, and how it does."""
    name, withhold = request.param
    which = next(one for one in CASES if one.name is name)
    api = which.api(lambda: NOW, 2)
    with Server([api]) as server:
        yield use_keys(Desk(which, api, server)), withhold


def by_place(desk: Desk, report: SourceReport) -> dict[tuple[str, str], UsageRow]:
    return {(row.workspace, row.key): row for row in desk.rows(report)}


def test_cost_that_is_told_without_keys_is_divided_by_usage(withholding: tuple[Desk, Withhold]) -> None:
    desk, withhold = withholding
    exact = {source: by_place(desk, desk.read(source=source)) for source in desk.sources}
    withhold(desk.api)
    for source, before in exact.items():
        report = desk.read(source=source)
        rows = by_place(desk, report)
        assert totals(rows.values()).cost == bill_of(desk, report)
        assert totals(rows.values()).allocated
        assert report.status is Status.SUCCES
        assert rows.keys() >= {place for place in before if place[1] != NO_API_KEY and before[place].totals.requests}
        for place, row in before.items():
            if place[1] != NO_API_KEY and row.totals.requests:
                found = rows[place].totals
                assert (found.tokens_input, found.requests) == (row.totals.tokens_input, row.totals.requests)


def test_divided_cost_says_so_everywhere(withholding: tuple[Desk, Withhold], tmp_path: Path) -> None:
    desk, withhold = withholding
    withhold(desk.api)
    for source in desk.sources:
        log = AnswerLog()
        report = desk.read(source=source, listener=log.add)
        rows = desk.rows(report)
        divided = totals(rows).allocated
        for row in rows:
            assert ("Coût réparti selon l’usage : " in row.log.fr) is bool(row.totals.allocated)
            assert row.totals.allocated == exact_sum(entry.allocated for entry in row.breakdown)
        shares: dict[tuple[str, str], list[Decimal]] = {}
        for row in rows:
            for entry in row.breakdown:
                if entry.share is not None:
                    shares.setdefault((row.workspace, entry.name), []).append(entry.share)
        assert shares
        assert all(abs(sum(found, Decimal(-1))) < Decimal("0.001") for found in shares.values())
        assert "selon l’usage" in " ".join(one.fr for one in report.remarks)
        (outcome,) = build_outcomes([LabelledReport(report, desk.settings().grains[source.provider], "")], [])
        assert receipt_of(outcome, Language.FR).allocated_usd == divided
        archive = Archive(FolderStore(tmp_path / source.account))
        kept = archive.keep(report, log)
        assert kept.allocated_usd == divided
        records = archive.records(kept)
        assert exact_sum(record.allocated for record in records) == divided
        assert all(record.day is not None for record in records if record.allocated is not None)

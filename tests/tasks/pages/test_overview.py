"""The page of the latest months."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.tasks.pages.results import make_workspace, read_page
from usage.language.choice import Language
from usage.language.words import Words
from usage.month import Month
from usage.names import ProviderName, Status

NOW = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
MONTHS = [Month(2025, 12), Month(2026, 1), Month(2026, 2)]
PAGES = "http://127.0.0.1:4200"


def known(read_at: datetime, *costs: tuple[str, str, str | None, Status]) -> dict[Any, Any]:
    from tasks.pages.history import Known

    rows = [
        Known(
            provider=ProviderName(provider),
            account=account,
            status=status,
            cost_usd=None if cost is None else Decimal(cost),
            read_at=read_at,
        )
        for provider, account, cost, status in costs
    ]
    return {row.source: row for row in rows}


def shown(history: Any, pages: str = PAGES) -> Any:
    from tasks.pages.overview import overview

    return read_page(overview(history, MONTHS, make_workspace(), NOW, pages=pages, words=Words(Language.EN)))


def test_the_latest_month_comes_first_and_a_change_is_told_of_whole_months() -> None:
    later = datetime(2026, 2, 5, tzinfo=UTC)
    page = shown(
        {
            Month(2025, 11): known(later, ("openai", "default", "900", Status.SUCCES)),
            Month(2025, 12): known(later, ("openai", "default", "1000", Status.SUCCES)),
            Month(2026, 1): known(later, ("openai", "default", "1234.50", Status.SUCCES)),
            Month(2026, 2): known(NOW, ("openai", "default", "12", Status.SUCCES)),
        }
    )
    assert page.headings == ["LLM usage"]
    (table,) = page.tables
    assert table[0] == ["Month", "", *(provider.label for provider in ProviderName), "Total USD", "Change USD"]
    assert table[1:] == [
        ["2026-02 (in progress, day 14/28)", "🟢", "12.00", "–", "–", "–", "–", "12.00", "–"],
        ["2026-01", "🟢", "1,234.50", "–", "–", "–", "–", "1,234.50", "+234.50 (+23%)"],
        ["2025-12", "🟢", "1,000.00", "–", "–", "–", "–", "1,000.00", "+100.00 (+11%)"],
    ]
    assert f"{PAGES}/artifacts/key/report-2026-01" in page.links
    assert {"https://www.notion.so/usages", "https://www.notion.so/services"} <= set(page.links)


def test_what_is_not_known_is_no_zero() -> None:
    later = datetime(2026, 2, 5, tzinfo=UTC)
    history = {
        Month(2025, 12): known(later, ("openai", "a", "1", Status.SUCCES), ("deepgram", "b", None, Status.ECHEC)),
        Month(2026, 1): known(later, ("openai", "a", "2", Status.SUCCES), ("deepgram", "b", "3", Status.SUCCES)),
    }
    (table,) = shown(history, "").tables
    assert table[1] == ["2026-01", "🟢", "2.00", "–", "–", "3.00", "–", "5.00", "–"]
    assert table[2] == ["2025-12", "🟠", "1.00", "–", "–", "–", "–", "1.00", "–"]
    assert shown(history, "").links == ["https://www.notion.so/usages", "https://www.notion.so/services"]


def test_a_month_read_before_its_end_is_held_against_none() -> None:
    early = datetime(2025, 12, 20, tzinfo=UTC)
    history = {
        Month(2025, 12): known(early, ("openai", "a", "1", Status.SUCCES)),
        Month(2026, 1): known(NOW, ("openai", "a", "2", Status.SUCCES)),
    }
    assert shown(history).tables[0][1][-1] == "–"

"""What earlier runs found: kept on Prefect's server, and never made poorer or older."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.tasks.pages.results import make_result, make_source
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.outcomes.result import SourceResult

if TYPE_CHECKING:
    from tasks.pages.history import History

EARLY, LATE = datetime(2026, 2, 2, 8, tzinfo=UTC), datetime(2026, 2, 5, 8, tzinfo=UTC)
MONTH = Month(2026, 1)


def read(at: datetime, *sources: SourceResult, before: History | None = None, keys: tuple[Source, ...] = ()) -> History:
    """What is known after another reading of the month."""
    from tasks.pages.history import remember

    names = [Source(provider=source.provider, account=source.account) for source in sources]
    result = make_result(str(MONTH), *sources)
    return remember(result, dict.fromkeys(names, at), before or {}, sources=keys or names)


def costs(history: History) -> dict[str, str | None]:
    """Cost of each source in the month."""
    return {str(name): None if row.cost_usd is None else str(row.cost_usd) for name, row in history[MONTH].items()}


def test_one_source_after_the_other() -> None:
    first = read(EARLY, make_source("openai", "1.10"), make_source("deepgram", "0.50", account="prod"))
    second = read(EARLY, make_source("anthropic", None, "Donnees indisponibles"), before=first)
    assert costs(second) == {"openai": "1.10", "deepgram/prod": "0.50", "anthropic": None}


@pytest.mark.parametrize(
    ("cost", "status", "at", "kept"),
    [
        ("12.00", "Succes", LATE, "12.00"),
        # A provider may correct a month downwards.
        ("8.00", "Succes", LATE, "8.00"),
        ("12.00", "Partiel", LATE, "12.00"),
        # Less, with something missing.
        ("8.00", "Partiel", LATE, "10.00"),
        (None, "Donnees indisponibles", LATE, "10.00"),
        (None, "Echec", LATE, "10.00"),
        # A retry brings what the first attempt had read.
        ("12.00", "Succes", EARLY.replace(day=1), "10.00"),
    ],
)
def test_the_fuller_of_the_later_readings_stays(cost: str | None, status: str, at: datetime, kept: str) -> None:
    before = read(EARLY, make_source("openai", "10.00"))
    assert costs(read(at, make_source("openai", cost, status), before=before)) == {"openai": kept}


def test_a_cost_takes_the_place_of_none() -> None:
    before = read(LATE, make_source("openai", None, "Echec"))
    assert costs(read(EARLY, make_source("openai", "10.00"), before=before)) == {"openai": "10.00"}


def test_an_account_with_a_new_name_counts_once() -> None:
    before = read(EARLY, make_source("openai", "10.00"), make_source("deepgram", "1.00"))
    renamed = Source(provider=ProviderName.OPENAI, account="labo")
    after = read(LATE, make_source("openai", "10.00", account="labo"), before=before, keys=(renamed,))
    assert costs(after) == {"openai/labo": "10.00", "deepgram": "1.00"}


def test_accounts_add_up_to_the_service() -> None:
    from tasks.pages.history import Known, by_service

    def row(account: str, cost: str | None) -> Known:
        amount = None if cost is None else Decimal(cost)
        return Known(
            provider=ProviderName.OPENAI, account=account, status=Status.SUCCES, cost_usd=amount, read_at=EARLY
        )

    rows = [row("a", "0.1"), row("b", "0.2"), row("c", None)]
    months = {Month(2026, 1): {one.source: one for one in rows}, Month(2025, 12): {rows[2].source: rows[2]}}
    assert by_service(months) == {Month(2026, 1): {ProviderName.OPENAI: Decimal("0.3")}, Month(2025, 12): {}}


def test_it_is_kept_on_prefect_s_server_beside_what_others_keep_there(prefect_api: str) -> None:
    from prefect import flow
    from prefect.artifacts import create_table_artifact

    from tasks.pages.history import keep, read_history

    mine = read(EARLY, make_source("openai", "0.0000001"), make_source("deepgram", None, account="prod"))
    found: list[History] = []

    @flow
    def collect() -> None:
        keep(MONTH, mine)
        create_table_artifact(key=f"costs-{MONTH.next()}", table=[{"team": "sales", "cost": 3}])
        found.append(read_history([MONTH, MONTH.next(), Month(2001, 1)]))

    collect()
    assert found == [mine]


def test_the_last_months() -> None:
    from tasks.pages.history import last_months

    assert [str(month) for month in last_months(Month(2026, 2), 4)] == ["2025-11", "2025-12", "2026-01", "2026-02"]

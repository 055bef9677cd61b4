from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from notion.databases.services import Service
from notion.summary import MonthStatus, summarise
from tests.notion.tables import Table
from usage.grain import COLLECTION
from usage.names import ProviderName, Status
from usage.outcomes.proof import MonthState

SERVICES = [Service(provider, f"service-{provider.value}", "Actif", has_rows=True, url="") for provider in ProviderName]
NOW = datetime(2026, 2, 6, tzinfo=UTC)
MORNING, EVENING = datetime(2026, 2, 5, 8, tzinfo=UTC), datetime(2026, 2, 5, 20, tzinfo=UTC)


def test_one_line_for_each_month_and_provider(table: Table) -> None:
    table.put(key="p1", cost=0.1)
    table.put(key="p2", cost=0.2)
    table.put(key=COLLECTION, workspace="a", status="Partiel", collected_at=MORNING)
    table.put(key=COLLECTION, workspace="b", status="Succes", collected_at=EVENING)
    table.put(key="k1", provider=ProviderName.ANTHROPIC)
    table.put(key=COLLECTION, month="2025-12", status="Echec", collected_at=MORNING)
    lines = summarise(table.rows.values(), SERVICES, NOW)
    assert [(line.month, line.provider.value) for line in lines] == [
        ("2025-12", "openai"),
        ("2026-01", "openai"),
        ("2026-01", "anthropic"),
    ]
    assert lines[0].status is Status.ECHEC
    assert lines[1] == MonthStatus(
        month="2026-01",
        provider=ProviderName.OPENAI,
        status=Status.PARTIEL,
        cost_usd=Decimal("0.3"),
        rows=2,
        figures_at=None,
        last_collection=EVENING,
        state=MonthState.SETTLED,
    )
    assert (lines[2].status, lines[2].cost_usd, lines[2].last_collection) == (None, None, None)


def test_the_figures_have_a_time_of_their_own(table: Table) -> None:
    """A failed attempt in the evening leaves the figures of the morning."""
    receipt = f'{{"organisation": "org", "read_at": "{MORNING.isoformat()}", "unknown": [1]}}'
    table.put(key="p1", cost=1, collected_at=MORNING.replace(day=3))
    table.put(key=COLLECTION, status="Echec", collected_at=EVENING, breakdown=receipt)
    (line,) = summarise(table.rows.values(), SERVICES, NOW)
    assert (line.figures_at, line.last_collection) == (MORNING, EVENING)


def test_rows_of_older_versions_tell_the_time_of_their_newest_figure(table: Table) -> None:
    for key, day in (("p1", 3), ("p2", 4)):
        table.put(key=key, cost=1, collected_at=MORNING.replace(day=day))
    table.put(key=COLLECTION, status="Echec", collected_at=EVENING, breakdown="[]")
    (line,) = summarise(table.rows.values(), SERVICES, NOW)
    assert (line.figures_at, line.last_collection) == (MORNING.replace(day=4), EVENING)


def test_the_oldest_reading_of_several_accounts_counts(table: Table) -> None:
    for account, moment in (("a", EVENING), ("b", MORNING)):
        receipt = f'{{"read_at": "{moment.isoformat()}"}}'
        table.put(key=COLLECTION, workspace=account, collected_at=EVENING, breakdown=receipt)
    assert summarise(table.rows.values(), SERVICES, NOW)[0].figures_at == MORNING


def test_one_account_that_failed_is_not_the_whole_provider(table: Table) -> None:
    for account, status in (("a", "Succes"), ("b", "Echec")):
        table.put(key=COLLECTION, workspace=account, status=status)
    assert summarise(table.rows.values(), SERVICES, NOW)[0].status is Status.PARTIEL


def test_rows_that_have_lost_their_service_are_known_by_their_title(table: Table) -> None:
    table.put(key="p1", service=None, title="2026-01 - Deepgram - Prod", cost=2)
    (line,) = summarise(table.rows.values(), SERVICES, NOW)
    assert (line.provider, line.cost_usd) == (ProviderName.DEEPGRAM, Decimal(2))


def test_rows_of_nobody_are_left_out(table: Table) -> None:
    table.put(key="p1", service=None, title="2026-01 - Mistral - Prod")
    table.put(key="p1", service="somebody else's")
    table.put(key="p1", month="")
    assert summarise(table.rows.values(), SERVICES, NOW) == ()


def test_a_status_of_somebody_s_own_is_none_of_ours(table: Table) -> None:
    table.put(key=COLLECTION, status="À voir")
    assert summarise(table.rows.values(), SERVICES, NOW)[0].status is None

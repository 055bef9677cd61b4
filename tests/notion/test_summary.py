from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from notion.services import Service
from notion.summary import MonthStatus, summarise
from usage.grain import COLLECTION
from usage.names import ProviderName, Status

Table = Any
SERVICES = [Service(provider, f"service-{provider.value}", "Actif", has_rows=True, url="") for provider in ProviderName]
MORNING, EVENING = datetime(2026, 2, 5, 8, tzinfo=UTC), datetime(2026, 2, 5, 20, tzinfo=UTC)


def test_one_line_for_each_month_and_provider(table: Table) -> None:
    table.put(key="p1", cout=0.1)
    table.put(key="p2", cout=0.2)
    table.put(key=COLLECTION, workspace="a", statut="Partiel", collecte_le=MORNING)
    table.put(key=COLLECTION, workspace="b", statut="Succes", collecte_le=EVENING)
    table.put(key="k1", provider=ProviderName.ANTHROPIC)
    table.put(key=COLLECTION, mois="2025-12", statut="Echec", collecte_le=MORNING)
    lines = summarise(table.rows.values(), SERVICES)
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
        last_collection=EVENING,
    )
    assert (lines[2].status, lines[2].cost_usd, lines[2].last_collection) == (None, None, None)


def test_rows_of_nobody_are_left_out(table: Table) -> None:
    table.put(key="p1", service=None)
    table.put(key="p1", service="somebody else's")
    table.put(key="p1", mois="")
    assert summarise(table.rows.values(), SERVICES) == ()


def test_a_status_of_somebody_s_own_is_none_of_ours(table: Table) -> None:
    table.put(key=COLLECTION, statut="À voir")
    assert summarise(table.rows.values(), SERVICES)[0].status is None

"""Which months of which sources stand in Notion complete."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from notion.collected import complete_months, read_collected
from notion.rows.receipt import Receipt
from notion.rows.values import Existing, Values
from usage.grain import COLLECTION
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.settings import Settings, load_settings

MONTH = Month(2025, 3)
LATE = MONTH.end + timedelta(days=5)
PAGES = {provider: f"page-{provider}" for provider in ProviderName}
CREATED = datetime(2025, 4, 1, tzinfo=UTC)
KEYS = {
    "OPENAI_ADMIN_KEY_A": "sk-admin-a",
    "OPENAI_ADMIN_KEY_B": "sk-admin-b",
    "DEEPGRAM_API_KEY": "d",
}
SETTINGS = load_settings(KEYS, ())
A, B = (Source(provider=ProviderName.OPENAI, account=name) for name in "ab")


def mark(source: Source, settings: Settings = SETTINGS) -> str:
    return settings.credential(source).mark


def own(receipt: Receipt | None = None, **values: Any) -> Existing:
    """A source's own row."""
    usual: dict[str, Any] = {
        "service": PAGES[ProviderName.OPENAI],
        "month": str(MONTH),
        "key": COLLECTION,
        "status": Status.SUCCES.value,
        "collected_at": LATE,
        "breakdown": receipt.to_json() if receipt is not None else "",
    }
    return Existing("row", CREATED, Values(**(usual | values)))


def complete(*rows: Existing, settings: Settings = SETTINGS) -> set[tuple[Source, Month]]:
    return set(complete_months(read_collected(rows, PAGES), settings))


def test_a_month_that_the_key_has_read() -> None:
    assert complete(own(Receipt(key=mark(A), read_at=LATE))) == {(A, MONTH)}


@pytest.mark.parametrize("status", list(Status))
def test_only_what_no_rerun_would_better(status: Status) -> None:
    done = complete(own(Receipt(key=mark(A)), status=status.value))
    assert bool(done) == (status in (Status.SUCCES, Status.DONNEES_INDISPONIBLES))


@pytest.mark.parametrize(
    "values",
    [
        {"collected_at": MONTH.end - timedelta(minutes=1)},
        {"collected_at": MONTH.end + timedelta(hours=1)},
        {"collected_at": None},
        {"status": None},
        {"status": "À voir"},
        {"key": "proj_1"},
        {"month": "mars"},
        {"service": "another page"},
    ],
    ids=str,
)
def test_what_proves_nothing(values: dict[str, Any]) -> None:
    assert complete(own(Receipt(key=mark(A)), **values)) == set()


def test_a_figure_read_while_the_month_ran_does_not_count_for_a_later_attempt() -> None:
    assert complete(own(Receipt(key=mark(A), read_at=MONTH.end - timedelta(days=3)), collected_at=LATE)) == set()


def test_accounts_may_change_their_labels_and_keys() -> None:
    """An organisation that the present key has read another month of is the key's, whatever its label was."""
    now = own(Receipt(key=mark(B), organisation="org-1"), month="2025-04", collected_at=LATE + timedelta(days=31))
    before = own(Receipt(key="a key before", organisation="org-1", read_at=LATE), workspace="a")
    assert complete(now, before) >= {(B, Month(2025, 4)), (B, MONTH)}
    # Once both keys have read something, labels decide nothing.
    other = own(Receipt(key=mark(A), organisation="org-2"), month="2025-05", status=Status.ECHEC.value)
    assert complete(now, before, other) == {(B, Month(2025, 4)), (B, MONTH)}


def test_a_key_that_has_read_nothing_yet_is_told_by_the_label() -> None:
    assert complete(own(Receipt(key="a key before", read_at=LATE), workspace="a")) == {(A, MONTH)}
    assert complete(own(None, workspace="b")) == {(B, MONTH)}
    deepgram = own(None, service=PAGES[ProviderName.DEEPGRAM])
    assert complete(deepgram) == {(Source(provider=ProviderName.DEEPGRAM), MONTH)}

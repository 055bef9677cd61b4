"""Which months of a backfill are read, and which stand in Notion for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from archive.archive import Archive
from archive.files.answers import AnswerLog
from archive.store import open_store
from notion.databases.services import Service
from notion.rows.carried import CarriedColumns
from notion.rows.receipt import Receipt
from notion.rows.values import Existing, Values
from tasks.backfill.ranges import SETTLED, BackfillMonth, Range, current_backfill, months_of, open_backfill
from usage.errors import SettingsError
from usage.grain import COLLECTION
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.outcomes.report import SourceReport
from usage.settings import Credential, load_settings

NOW = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
MONTH = Month(2025, 11)
SETTLED_AT = MONTH.end + SETTLED
OPENAI, DEEPGRAM = ProviderName.OPENAI, ProviderName.DEEPGRAM


KEYS = {OPENAI: "sk-admin-test", DEEPGRAM: "test"}


def written_with(key: str, cost: str | None = None) -> str:
    """The receipt of a reading."""
    credential = Credential(source=Source(provider=OPENAI), variable="OPENAI_ADMIN_KEY", key=SecretStr(key))
    return Receipt(key=credential.mark, cost_usd=None if cost is None else Decimal(cost)).to_json()


class Notion:
    """Stands for both databases: rows of the month, and services."""

    def __init__(self) -> None:
        self.written: list[Values] = []
        self.inactive: frozenset[ProviderName] = frozenset()
        self.asked: list[Month] = []
        self.closed = False
        self.databases = SimpleNamespace(services=SimpleNamespace(has=lambda _name: True))
        self.carried = CarriedColumns()

    @property
    def services(self) -> tuple[Service, ...]:
        return tuple(Service(provider, f"page-{provider}", "Actif", has_rows=True, url="") for provider in ProviderName)

    def rows(self, month: Month) -> list[Existing]:
        self.asked.append(month)
        return [Existing(f"row-{n}", NOW, row) for n, row in enumerate(self.written) if row.month == str(month)]

    def put(self, provider: ProviderName = OPENAI, key: str = COLLECTION, **values: Any) -> None:
        own: dict[str, Any] = {"status": Status.SUCCES.value, "collected_at": SETTLED_AT, "log": "31 jours lus."}
        own["breakdown"] = written_with(KEYS[provider])
        fields = (own if key == COLLECTION else {}) | values
        fields = {"month": str(MONTH)} | fields
        self.written.append(Values(service=f"page{provider}", key=key, **fields))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def notion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notion:
    notion = Notion()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_ADMIN_KEY", KEYS[OPENAI])
    monkeypatch.setenv("DEEPGRAM_API_KEY", KEYS[DEEPGRAM])
    monkeypatch.setenv("LLM_USAGE_NOW", NOW.isoformat())
    monkeypatch.setattr("tasks.backfill.ranges.open_workspace", lambda *_: (notion, None))
    return notion


def decide(*providers: ProviderName, month: Month = MONTH) -> BackfillMonth:
    """What becomes of the month."""
    with open_backfill(Range(str(month), str(month), providers)) as backfill:
        (only,) = backfill.months
        return only


def test_what_is_complete_and_settled_is_not_read_again(notion: Notion) -> None:
    notion.put()
    notion.put(key="proj_1", cost=0.1, tokens_input=5, requests=1)
    notion.put(key="proj_2", cost=0.2, tokens_input=7)
    now = decide()
    assert (now.skipped, now.providers) == (False, (DEEPGRAM,))
    (kept,) = now.kept
    assert (kept.provider, kept.account, kept.status, kept.rows) == (OPENAI, "default", Status.SUCCES, 2)
    assert (kept.cost_usd, kept.tokens_input, kept.tokens_output, kept.requests) == ("0.30", 12, None, 1)
    assert str(kept.log) == "31 jours lus."


@pytest.mark.parametrize(("told", "cost"), [("0.30000000000000004441", "0.30000000000000004441"), ("0.31", "0.30")])
def test_the_cost_of_what_is_kept_is_exact_where_its_rows_hold_what_was_read(
    notion: Notion, told: str, cost: str
) -> None:
    notion.put(breakdown=written_with(KEYS[OPENAI], told))
    notion.put(key="proj_1", cost=0.1)
    notion.put(key="proj_2", cost=0.2)
    assert decide().kept[0].cost_usd == cost


def test_a_month_that_is_all_there_is_skipped(notion: Notion) -> None:
    notion.put()
    notion.put(DEEPGRAM, status=Status.DONNEES_INDISPONIBLES.value)
    now = decide()
    assert (now.skipped, now.providers) == (True, ())
    assert [(kept.provider, kept.cost_usd) for kept in now.kept] == [(OPENAI, None), (DEEPGRAM, None)]


@pytest.mark.parametrize(
    "values",
    [
        {"status": Status.PARTIEL.value},
        {"status": Status.ECHEC.value},
        {"status": "À voir"},
        {"status": None},
        {"collected_at": SETTLED_AT - timedelta(minutes=1)},
        {"collected_at": None},
        {"breakdown": ""},
        {"breakdown": written_with("another organisation's key")},
        {"key": "proj_1"},
    ],
    ids=str,
)
def test_what_may_still_change_is_read_again(notion: Notion, values: dict[str, Any]) -> None:
    notion.put(**values)
    assert decide() == BackfillMonth(MONTH)


def test_a_doubled_row_proves_nothing(notion: Notion) -> None:
    notion.put()
    notion.put()
    assert decide() == BackfillMonth(MONTH)


def test_a_service_that_is_switched_off_is_not_waited_for(notion: Notion) -> None:
    notion.inactive = frozenset([DEEPGRAM])
    assert decide() == BackfillMonth(MONTH)
    notion.put()
    assert decide().skipped


def test_several_accounts_are_read_again(notion: Notion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY_LABO", "sk-admin-test-2")
    notion.put()
    notion.put(DEEPGRAM)
    now = decide()
    assert (now.skipped, now.providers, [kept.provider for kept in now.kept]) == (False, (OPENAI,), [DEEPGRAM])


def test_a_named_provider_is_read_again(notion: Notion) -> None:
    notion.put()
    notion.put(DEEPGRAM)
    assert decide(OPENAI) == BackfillMonth(MONTH, (OPENAI,))
    assert notion.asked == []


def test_a_month_that_is_still_corrected_is_read_without_a_look(notion: Notion) -> None:
    recent = Month(2026, 1)
    assert decide(month=recent) == BackfillMonth(recent)
    assert notion.asked == []


def test_opened_once_and_closed_after(notion: Notion) -> None:
    asked = Range("2025-10", "2025-11")
    with open_backfill(asked) as backfill:
        with open_backfill(Range("2025-10", "2025-11")) as inner:
            assert inner is backfill
        assert current_backfill() is backfill
        assert notion.asked == [Month(2025, 10), MONTH]
        before = notion.closed
    assert (before, notion.closed) == (False, True)
    with open_backfill(asked) as new:
        assert new is not backfill


def test_closed_when_it_can_t_be_read(notion: Notion, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(month: Month) -> list[Existing]:
        raise RuntimeError

    monkeypatch.setattr(notion, "rows", fail)
    with pytest.raises(RuntimeError):
        decide(month=Month(2025, 10))
    assert notion.closed


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [
        ("2025-11", "last", ["2025-11", "2025-12", "2026-01"]),
        ("2026-02", "current", ["2026-02"]),
        ("last", "last", ["2026-01"]),
    ],
)
def test_both_ends_are_included(notion: Notion, first: str, last: str, months: list[str]) -> None:
    assert [str(month) for month in months_of(Range(first, last), load_settings())] == months


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        ("2025-12", "2025-11", "the range is turned round: 2025-12 comes after 2025-11"),
        ("current", "last", "turned round"),
        ("2025-11", "2026-03", "2026-03 has not begun yet: the running month is 2026-02"),
        ("2025-13", "last", "2025-13 is not a month"),
    ],
)
def test_no_range(notion: Notion, first: str, last: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        open_backfill(Range(first, last)).__enter__()
    assert notion.asked == []


def test_a_source_that_was_given_a_name_is_told_by_its_key(notion: Notion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_ADMIN_KEY")
    monkeypatch.setenv("OPENAI_ADMIN_KEY_LABO", "sk-admin-test")
    notion.put(workspace="")
    (kept,) = decide().kept
    assert (kept.provider, kept.account) == (OPENAI, Source(provider=OPENAI, account="labo").account)


def told(first: str, last: str, *providers: ProviderName) -> tuple[str, ...]:
    """What a backfill says that it can't have."""
    with open_backfill(Range(first, last, providers)) as backfill:
        return tuple(one.en for one in backfill.beyond)


def test_a_line_for_each_provider_that_lacks_something(notion: Notion) -> None:
    openai = "OpenAI: before 2025-02-14 perhaps without tokens, requests (2024-12 to 2025-02)"
    deepgram = "Deepgram: before 2025-09-01 perhaps without costs (2024-12 to 2025-03)"
    assert told("2024-12", "2025-03") == (openai, deepgram)
    assert told("2024-12", "2025-03", DEEPGRAM) == (deepgram,)
    assert told("2025-12", "last") == ()
    notion.inactive = frozenset([OPENAI])
    assert told("2024-12", "2025-03") == (deepgram,)
    assert told("2024-12", "2025-02", OPENAI) == (openai,)


def test_what_is_not_read_again_is_not_told_of(notion: Notion) -> None:
    notion.put(month="2025-01")
    assert told("2025-01", "2025-01", OPENAI) == (
        "OpenAI: before 2025-02-14 perhaps without tokens, requests (2025-01)",
    )
    assert told("2025-01", "2025-01") == ("Deepgram: before 2025-09-01 perhaps without costs (2025-01)",)


def test_an_archived_month_is_not_out_of_reach(notion: Notion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = str(tmp_path / "archive")
    monkeypatch.setenv("LLM_USAGE_ARCHIVE", address)
    archive = Archive(open_store(address))
    for provider in (OPENAI, DEEPGRAM):
        report = SourceReport(source=Source(provider=provider), month=Month(2025, 1), read_at=NOW, records=())
        archive.keep(report, AnswerLog())
    assert told("2024-12", "2025-02", OPENAI) == (
        "OpenAI: before 2025-02-14 perhaps without tokens, requests (2024-12, 2025-02)",
    )
    assert told("2025-01", "2025-01") == ()

"""The digest's lines: ten at most, whatever there is to say, in two languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.currency import NoRate, Rate, Rates, RateSource
from reports.digest import MOST_COLUMNS, MOST_LINES, Style, alarm_line, digest_lines, make_digest
from reports.ledger import Ledger, LedgerRow, MonthLedger, OwnColumn, SourceMonth
from reports.planning.budgets import budgets_of
from tests.reports.histories import days_of, history, ledger, own, row
from usage.language.choice import Language
from usage.language.words import Words
from usage.month import Month
from usage.names import ProviderName, Status

PLAIN = Style(
    name=lambda text: text,
    link=lambda _, name, url: f"{name}: {url}",
    head=lambda line: line,
    item=lambda line: line,
)
JANUARY, FEBRUARY = Month(2026, 1), Month(2026, 2)
NOW = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
CLOSED = datetime(2026, 2, 12, tzinfo=UTC)


def rows(month: Month, cost: str, *, until: int = 31) -> list[LedgerRow]:
    return [
        row(month, key, [(day, cost if key == "one" else "20") for day in days_of(month)[:until]])
        for key in ("one", "two", "three", "four")
    ]


def told(
    known: Ledger,
    month: Month,
    budgets: str = "",
    *,
    language: Language = Language.EN,
    by: Sequence[str] = (),
    rates: Rates | None = None,
) -> list[str]:
    digest = make_digest(known, month, budgets_of({}, budgets), by=by, rates=rates)
    return list(digest_lines(digest, Words(language), PLAIN, "https://prefect.example/run"))


def running() -> Ledger:
    known = ledger(NOW, rows(JANUARY, "20"), rows(FEBRUARY, "300", until=13))
    return Ledger(known.months, NOW, "https://notion.example/usages")


def test_a_running_month_with_all_there_is_to_say() -> None:
    assert told(running(), FEBRUARY, "total = 5000\n[project]\none = 100\ntwo = 270\n") == [
        "AI usage in February 2026: $4,680.00, day 14 of 28.",
        "+$3,640.00 (+350%) against the same days of January 2026, up to Feb 13, 2026.",
        "OpenAI – One: +$3,640.00, now $3,900.00; large +$3,640.00.",
        "Forecast of the month's end: $10,080.00, between $10,080.00 and $10,080.00 (daily rate of working days and of "
        "weekends, from 13 days).",
        "Budget for one: passed on Feb 1, 2026; $3,900.00 of $100.00. "
        "Budget for everything: will be passed on Feb 14, 2026; $4,680.00 of $5,000.00 so far. "
        "1 more budget is passed or will be.",
        "Surprise: OpenAI – One, $300.00 on Feb 2, 2026, $20.00 are usual (large).",
        "Nothing is missing.",
        "Notion: https://notion.example/usages · Run: https://prefect.example/run",
    ]


def test_the_same_in_french() -> None:
    lines = told(running(), FEBRUARY, "total = 5000\n", language=Language.FR)
    assert lines[0] == "Usages IA, février 2026 : 4\u202f680,00\xa0$US, jour 14 sur 28."
    assert lines[4].startswith("Budget pour l’ensemble : sera dépassé le 14 févr. 2026 ; 4")
    assert lines[-1].endswith("Exécution: https://prefect.example/run")


def test_a_month_that_is_over() -> None:
    known = ledger(NOW, rows(Month(2025, 12), "10"), rows(JANUARY, "20"))
    lines = told(known, JANUARY, "total = 2480\nprovider.openai = 9999")
    assert lines[0].startswith("AI usage in January 2026: $2,480.00, ")
    assert lines[1:3] == [
        "+$310.00 (+14%) against December 2025.",
        "OpenAI – One: +$310.00, now $620.00; large +$310.00.",
    ]
    assert "The 2 budgets are kept." in lines
    assert not any("Forecast" in line for line in lines)


def test_without_a_month_before_the_dearest_rows_are_told() -> None:
    lines = told(ledger(NOW, rows(JANUARY, "30")), JANUARY)
    assert lines[1:5] == [
        "Nothing to compare with in December 2025.",
        "OpenAI – One: $930.00.",
        "OpenAI – Four: $620.00.",
        "OpenAI – Three: $620.00.",
    ]


def test_sources_that_lack_something_or_have_gone_are_named() -> None:
    def source(provider: ProviderName, status: Status, account: str = "") -> SourceMonth:
        return SourceMonth(provider=provider, account=account, status=status, log="", proof=None)

    before = MonthLedger(Month(2025, 12), (), (source(ProviderName.DEEPGRAM, Status.SUCCES, "labs"),))
    now = MonthLedger(
        JANUARY,
        tuple(rows(JANUARY, "20")),
        (
            source(ProviderName.OPENAI, Status.ECHEC, "labo"),
            source(ProviderName.ANTHROPIC, Status.PARTIEL),
            source(ProviderName.OPENROUTER, Status.SUCCES),
        ),
    )
    lines = told(Ledger((before, now), NOW), JANUARY)
    assert "Missing: OpenAI labo (could not be read), Anthropic (a part), Deepgram labs (not collected)." in lines


def with_clients(*clients: str) -> Ledger:
    """January, each row with a client; an empty text is none."""
    found = [
        replace(one, own=own("Client", client) if client else ())
        for one, client in zip(rows(JANUARY, "20"), clients, strict=True)
    ]
    return ledger(NOW, rows(Month(2025, 12), "10"), found)


EUROS = Rates("EUR", {JANUARY: Rate(JANUARY, "EUR", Decimal("1.25"), RateSource.ECB)}, {FEBRUARY: NoRate.RUNNING})


def test_a_column_of_peoples_own_and_what_has_none() -> None:
    (line,) = (one for one in told(with_clients("ACME", "Béta", "acme", ""), JANUARY, by=["Client"]) if "Client" in one)
    assert line == "Client: ACME $1,240.00 (50%), Béta $620.00 (25%). No Client: $620.00 (25%)."
    lines = told(with_clients("a", "b", "c", "d"), JANUARY, by=["Client"], language=Language.FR)
    (line,) = (one.replace("\xa0", " ") for one in lines if "Client" in one)
    assert (
        line == "Client : a 620,00 $US (25 %), b 620,00 $US (25 %), c 620,00 $US (25 %), et 1 autre valeur. "
        "Sans Client : rien."
    )


def test_euros_beside_dollars_and_the_rate() -> None:
    lines = told(with_clients("ACME", "Béta", "acme", ""), JANUARY, by=["Client"], rates=EUROS)
    assert lines[0].startswith("AI usage in January 2026: $2,480.00 (€1,984.00), ")
    assert "OpenAI – One: +$310.00, now $620.00 (€496.00); large +$310.00." in lines
    assert (
        "Client: ACME $1,240.00 (€992.00, 50%), Béta $620.00 (€496.00, 25%). No Client: $620.00 (€496.00, 25%)."
        in lines
    )
    assert "Nothing is missing. 1 EUR = 1.25 USD, the European Central Bank’s average of January 2026." in lines
    without = told(running(), FEBRUARY, rates=EUROS)
    assert "€" not in "".join(without)
    assert "February 2026 is not over, so it has no average rate yet: US dollars only." in " ".join(without)


def test_where_there_is_more_to_say_fewer_rows_are_told() -> None:
    columns = [f"C{number}" for number in range(MOST_COLUMNS)]
    found = [
        replace(one, own=tuple(OwnColumn(name, ("x",)) for name in columns)) for one in rows(FEBRUARY, "300", until=13)
    ]
    # Each row moves, so that all three would be told.
    known = ledger(NOW, [replace(one, records=one.records[:5]) for one in rows(JANUARY, "20")], found)
    known = Ledger(known.months, NOW, "https://notion.example/usages")
    counts = []
    for by in (columns[:number] for number in range(MOST_COLUMNS + 1)):
        lines = told(known, FEBRUARY, "total = 5000", by=by, rates=EUROS)
        assert len(lines) <= MOST_LINES
        assert lines[-1].startswith("Notion: ")
        assert all(any(line.startswith(f"{name}: ") for line in lines) for name in by)
        counts.append(sum(line.startswith("OpenAI – ") for line in lines))
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def test_what_can_not_be_compared_for_want_of_days_is_named() -> None:
    def whole(month: Month) -> LedgerRow:
        return row(month, "one", [(month.first_day, "5")], by_day=False)

    lines = told(ledger(NOW, [whole(JANUARY)], [whole(FEBRUARY)]), FEBRUARY)
    assert lines[1] == ("Nothing to compare with in January 2026. Not compared, as their days are not known: OpenAI.")


def test_nothing_at_all() -> None:
    assert told(Ledger((), NOW), JANUARY, "total = 5") == [
        "AI usage in January 2026: not collected.",
        "Run: https://prefect.example/run",
    ]


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("seed", range(3))
def test_ten_lines_at_most_in_every_month(seed: int, language: Language) -> None:
    known = history(seed, plants=6).ledger
    text = "total = 1\nprovider.openai = 2\n[project]\nthing01 = 1\nnobody = 5\n"
    for one in known.months:
        lines = told(known, one.month, text, language=language)
        assert len(lines) <= MOST_LINES
        assert all(line and "\n" not in line for line in lines)


@given(st.sampled_from(list(Language)), st.decimals("0.01", 50, places=2))
def test_a_budget_is_told_in_one_sentence(language: Language, amount: Decimal) -> None:
    digest = make_digest(running(), FEBRUARY, budgets_of({}, f"[project]\none = {amount}"))
    (state,) = digest.outlook.alarming
    assert alarm_line(state, Words(language), PLAIN).endswith(".")

"""What the page says, in both languages, and that other people's text stays text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from msgspec import structs

from reports.ledger import Ledger, MonthLedger
from reports.page.figures.evidence import Correction
from reports.page.figures.report import last_months, report_of
from reports.page.telling.amounts import SecondCurrency
from reports.page.telling.document import Document, Section
from reports.page.telling.html import as_html
from reports.page.telling.shares import SHOWN
from reports.page.telling.teller import tell
from reports.planning.budgets import budgets_of
from reports.planning.outlook import Outlook, look_ahead
from tests.reports.page.ledgers import ANTHROPIC, DEEPGRAM, MONTH, NOW, OPENAI, agency, awkward, one_month, row, source
from usage.language.choice import Language
from usage.language.words import Words
from usage.month import Month
from usage.names import Status
from usage.records.record import UsageRecord

RUNNING = datetime(2026, 2, 18, 9, 0, tzinfo=UTC)
FEBRUARY = Month.parse("2026-02")


def told(
    ledger: Ledger, month: Month = MONTH, language: Language = Language.EN, count: int = 12, **more: Any
) -> Document:
    return tell(report_of(ledger, last_months(month, count), **more), Words(language))


def html(ledger: Ledger, month: Month = MONTH, language: Language = Language.EN, **more: Any) -> str:
    words, report = Words(language), report_of(ledger, last_months(month, 12), **more)
    return as_html(report, tell(report, words), words)


def section(document: Document, key: str) -> Section:
    return next(one for one in document.sections if one.key == key)


def texts(one: Section) -> list[list[str]]:
    assert one.table is not None
    return [[cell.text for cell in cells] for cells in (*one.table.rows, *filter(None, (one.table.total,)))]


def test_the_head_of_a_month() -> None:
    document = told(agency())
    assert (document.title, document.state) == ("Language models in January 2026", "settled, not proven")
    assert document.total == f"${agency().months[-1].cost:,.2f}"
    assert document.change.endswith(" against December 2025")
    assert document.notice == "Something is missing: 1 source could not be read whole."
    assert document.proof == (
        "4 of 5 sources read whole; the providers’ own totals agree for 4; figures as of Feb 5, 2026."
    )


def test_the_order_of_the_page() -> None:
    document = told(agency(), by=("Client",), corrections=(), outlook=outlook_of(with_a_leap(agency()), MONTH))
    assert [one.key for one in document.sections] == [
        "missing", "moved", "surprises", "outlook", "providers", "projects", "models", "own-Client", "months", "days",
        "corrections",
    ]  # fmt: skip


def test_in_french() -> None:
    document = told(agency(), language=Language.FR)
    assert (document.title, document.total_label) == ("Modèles de langage, janvier 2026", "Coût total")
    assert document.total.endswith("\N{NO-BREAK SPACE}$US")
    assert section(document, "months").heading == "12 mois"


def test_a_running_month_is_held_against_the_same_days() -> None:
    document = told(agency(RUNNING), FEBRUARY)
    assert (document.state, document.total_label) == ("running", "Cost so far")
    assert "over its first 17 days, against those of January 2026" in document.change


@pytest.mark.parametrize(
    ("months", "sentence"),
    [((), "December 2025 was not collected: nothing to compare with")],
)
def test_why_nothing_is_compared(months: Sequence[MonthLedger], sentence: str) -> None:
    ledger = one_month(row(UsageRecord(cost=Decimal(1))))
    assert told(Ledger((*months, *ledger.months), NOW)).change == sentence


def test_long_tables_say_how_many_others_there_are_and_what_they_cost() -> None:
    one = section(told(awkward(200)), "projects")
    assert one.table is not None
    assert len(one.table.rows) == SHOWN + 1
    assert one.table.rows[-1][0].text == "188 others"
    assert len(one.table.more) == 188


def test_a_share_that_is_small_is_not_nothing() -> None:
    ledger = one_month(
        row(UsageRecord(cost=Decimal(1000)), key="a"),
        row(UsageRecord(cost=Decimal("0.0000001")), key="b", name="Small"),
    )
    assert texts(section(told(ledger), "projects")) == [
        ["Production", "100%", "1,000.00"],
        ["Small", "<1%", "0.0000001"],
        ["Total", "100%", "1,000.00"],
    ]


def test_a_credit_has_no_share() -> None:
    ledger = one_month(
        row(UsageRecord(cost=Decimal(300)), key="a"),
        row(UsageRecord(cost=Decimal(100)), key="b", name="Other"),
        row(UsageRecord(cost=Decimal(-200)), key="c", name="Credit"),
    )
    assert texts(section(told(ledger), "projects")) == [
        ["Production", "75%", "300.00"],
        ["Other", "25%", "100.00"],
        ["Credit", "–", "-200.00"],
        ["Total", "100%", "200.00"],
    ]


def test_what_share_has_nothing_in_a_column_of_peoples_own() -> None:
    (sentence,) = section(told(agency(), by=("Client",)), "own-Client").sentences
    assert sentence.endswith("has none.")
    assert "%" in sentence


def test_a_month_that_cost_nothing_has_no_charts() -> None:
    ledger = one_month(row(UsageRecord(cost=Decimal(0), day=date(2026, 1, 3))))
    assert "<svg" not in html(ledger)


def test_what_is_not_known_is_a_dash() -> None:
    document = told(one_month(row(UsageRecord(requests=3))))
    assert document.total == "–"
    assert texts(section(document, "projects")) == [["Production", "–", "3", "–", "–"], ["Total", "–", "3", "–", "–"]]


def test_why_something_is_missing_is_said_in_the_words_of_the_row() -> None:
    sources = [source(OPENAI, MONTH, Status.PARTIEL, "Il manque les coûts.", missing_days=(date(2026, 1, 3),))]
    ledger = one_month(row(UsageRecord(cost=Decimal(1))), sources=sources)
    ((name, why),) = (section(told(ledger), "missing").table or pytest.fail("no table")).rows
    assert (name.text, name.detail) == ("OpenAI", "incomplete")
    assert (why.text, why.language, why.detail) == ("Il manque les coûts.", "fr", "Days missing: Jan 3, 2026.")


@pytest.mark.parametrize("page", Language)
@pytest.mark.parametrize("notion", Language)
def test_a_log_has_the_language_of_notion_where_that_is_another_one_than_the_page_s(
    page: Language, notion: Language
) -> None:
    sources = [source(OPENAI, MONTH, Status.PARTIEL, "A log.")]
    ledger = replace(one_month(row(UsageRecord(cost=Decimal(1))), sources=sources), language=notion)
    ((_, why),) = (section(told(ledger, language=page), "missing").table or pytest.fail("no table")).rows
    assert why.language == ("" if page is notion else notion.value)


def test_what_nobody_offers_is_said_without_alarm() -> None:
    sources = [source(OPENAI, MONTH, Status.DONNEES_INDISPONIBLES, "Le fournisseur ne publie aucun coût.")]
    document = told(one_month(row(UsageRecord(requests=1)), sources=sources))
    assert document.notice == ""
    assert not section(document, "missing").is_warning


def test_corrections_name_what_moved() -> None:
    one = Correction(
        month=Month.parse("2025-12"),
        provider=DEEPGRAM,
        account="labs",
        read_at=NOW,
        old=Decimal("365.10"),
        new=Decimal("361.02"),
        day=date(2025, 12, 31),
        owners=("id_7b", "id_8"),
        what="nova-3",
    )
    shown = section(told(agency(), corrections=[one]), "corrections")
    assert shown.sentences == ("1 figure of a month that was over has changed since Jan 1, 2026.",)
    assert texts(shown) == [
        ["Deepgram (labs)", "Dec 31, 2025, Call transcripts, nova-3", "Feb 5, 2026", "365.10", "361.02", "-4.08"]
    ]
    assert section(told(agency(), corrections=[]), "corrections").table is None
    assert not [one for one in told(agency()).sections if one.key == "corrections"]


BUDGETS = """
total = 6000
[provider]
openai = 100
[project]
"Nobody <has> it" = 5
[column.Client]
"Radio Rivage" = 5000
"""


def outlook_of(ledger: Ledger, month: Month, text: str = BUDGETS) -> Outlook:
    return look_ahead(ledger, month, budgets_of({}, text))


def with_a_leap(ledger: Ledger) -> Ledger:
    """A day of the last month on which one model of one row costs a hundred times as much."""
    *months, last = ledger.months
    one, *others = last.rows
    leap = date(2026, 1, 14)
    records = tuple(
        structs.replace(record, cost=record.cost * 100)
        if record.day == leap and record.cost and record.model == "gpt-5-mini"
        else record
        for record in one.records
    )  # fmt: skip
    return replace(ledger, months=(*months, replace(last, rows=(replace(one, records=records), *others))))


def test_budgets_and_where_the_month_goes() -> None:
    ledger = agency(RUNNING)
    outlook = outlook_of(ledger, FEBRUARY)
    forecast = outlook.forecast
    assert forecast is not None
    one, words = section(told(ledger, FEBRUARY, outlook=outlook), "outlook"), Words(Language.EN)
    assert one.heading == "Budget and forecast"
    assert one.sentences == (
        f"Expected at the month’s end: {words.dollars(forecast.expected)}, between {words.dollars(forecast.low)} and "
        f"{words.dollars(forecast.high)}.",
        "Method: the daily rate of working days and of weekends, from 17 whole days of this month; eight months of ten "
        "are meant to end in that range.",
        "1 budget is passed or will be.",
    )
    total, openai, nobody, client = texts(one)
    spent = words.amount(ledger.month(FEBRUARY).cost)
    assert (total[0], total[1], total[2], total[5]) == ("Whole month", "not passed", spent, "6,000.00")
    assert total[4] == words.amount(forecast.expected)
    assert (openai[0], openai[1]) == ("OpenAI", words.day(outlook.budgets[1].day or NOW))
    assert (nobody[0], nobody[2:]) == ("Nobody <has> it", ["0.00", "0%", "–", "5.00"])
    assert client[0] == "Client: Radio Rivage"
    page = html(ledger, FEBRUARY, outlook=outlook)
    assert "Nobody &lt;has&gt; it" in page
    assert "no row has this name" in page
    assert page.count("Budget $6,000.00") == 2


def test_what_will_be_passed_is_told_with_its_day() -> None:
    ledger = agency(RUNNING)
    expected = outlook_of(ledger, FEBRUARY).forecast
    spent = ledger.month(FEBRUARY).cost
    assert expected is not None
    assert spent is not None
    budget = round((spent + expected.expected) / 2)
    day = expected.passes(Decimal(budget))
    assert day is not None
    one = section(told(ledger, FEBRUARY, outlook=outlook_of(ledger, FEBRUARY, f"total = {budget}")), "outlook")
    assert one.table is not None
    cell = one.table.rows[0][1]
    assert (cell.text, cell.detail) == (Words(Language.EN).day(day), "expected")


def test_a_month_that_is_over_has_no_forecast() -> None:
    outlook = outlook_of(agency(), MONTH, "total = 100000")
    one = section(told(agency(), outlook=outlook), "outlook")
    assert (one.heading, one.sentences) == ("Budgets", ("The budget is kept.",))
    assert one.table is not None
    assert "Expected" not in [column.text for column in one.table.columns]
    without = outlook_of(agency(), MONTH, "")
    assert not {"outlook", "surprises"} & {part.key for part in told(agency(), outlook=without).sections}


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (datetime(2026, 2, 3, 9, tzinfo=UTC), "A forecast is made from day 5 of the month on."),
        (RUNNING, "No forecast: too few days of this month are known."),
    ],
)
def test_why_there_is_no_forecast(now: datetime, sentence: str) -> None:
    ledger = one_month(row(UsageRecord(cost=Decimal(3)), month=FEBRUARY, by_day=False), month=FEBRUARY, now=now)
    assert section(told(ledger, FEBRUARY, outlook=outlook_of(ledger, FEBRUARY, "")), "outlook").sentences == (sentence,)


def test_surprises_are_told_with_their_day_and_model() -> None:
    ledger = with_a_leap(agency())
    one = section(told(ledger, outlook=outlook_of(ledger, MONTH)), "surprises")
    assert one.sentences == ("1 project or key left its own usual range, on a day or in the month.",)
    ((name, day, model, usual, cost),) = texts(one)
    assert (name, day, model) == ("Website assistant", "Jan 14, 2026", "gpt-5-mini")
    costs = [record.cost for record in ledger.month(MONTH).rows[0].records if record.day == date(2026, 1, 14)]
    assert cost == Words(Language.EN).amount(sum((one for one in costs if one), Decimal(0)))
    assert usual != cost


def test_a_second_currency_stands_beside_dollars() -> None:
    december = MONTH.previous()

    def convert(amount: Decimal, month: Month) -> Decimal | None:
        return amount / 2 if month in (MONTH, december) else None

    second = SecondCurrency("EUR", convert, ("1 EUR = 2 USD, from your file of rates.",))
    rows = [row(UsageRecord(cost=Decimal(8), day=month.first_day), month=month) for month in (december, MONTH)]
    sources = [source(OPENAI, MONTH)]
    ledger = Ledger(tuple(MonthLedger(one.month, (one,), tuple(sources)) for one in rows), NOW)
    document = tell(report_of(ledger, last_months(MONTH, 2)), Words(Language.EN), second)
    assert (document.total, document.total_second) == ("$8.00", "€4.00")
    assert document.footer.endswith("1 EUR = 2 USD, from your file of rates.")
    projects = section(document, "projects")
    assert projects.table is not None
    assert projects.table.columns[-1].text == "Cost, EUR"
    assert [cells[-1] for cells in texts(projects)] == ["4.00", "4.00"]
    assert [cells[:3] for cells in texts(section(document, "months"))] == [
        ["January 2026", "8.00", "4.00"],
        ["December 2025", "8.00", "4.00"],
        ["Total", "16.00", "8.00"],
    ]


def test_a_month_without_a_rate_makes_no_sum_of_the_others() -> None:
    second = SecondCurrency("EUR", lambda amount, month: amount if month == MONTH else None, ())
    document = tell(report_of(agency(), last_months(MONTH, 3)), Words(Language.EN), second)
    assert [cells[2] for cells in texts(section(document, "months"))][1:] == ["–", "–", "–"]


# -- the page


class Reader(HTMLParser):
    """Elements, addresses and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href")]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_other_peoples_text_stays_text() -> None:
    page = html(awkward(), by=("Client",))
    read = Reader(page)
    assert not {"script", "img", "iframe", "link", "b"} & set(read.elements)
    assert "<b>été</b> & Co | =1+1" in read.text
    assert "</script><img src=x onerror=alert(1)>" in read.text
    assert "\u202e" not in page
    assert "مساعد الدعم 🤖" in read.text


def test_it_is_one_file_that_asks_nobody() -> None:
    read = Reader(html(agency(), by=("Client",)))
    assert {one for one in read.addresses if not one.startswith(("#", "https://www.notion.so/"))} == set()
    assert "default-src 'none'" in html(agency())
    assert len(read.ids) == len(set(read.ids))


def test_an_address_that_is_none_is_no_link() -> None:
    ledger = one_month(row(UsageRecord(cost=Decimal(1)), url="javascript:alert(1)"))
    assert "javascript:" not in html(ledger)


def test_the_same_figures_give_the_same_bytes() -> None:
    assert html(agency(), by=("Client",)) == html(agency(), by=("Client",))


def test_charts_take_their_colours_from_the_page() -> None:
    page = html(agency())
    drawn = page[page.index("<body") :]
    assert "var(--anthropic)" in drawn
    assert "#d55e00" not in drawn
    assert ANTHROPIC.spec.colour in page

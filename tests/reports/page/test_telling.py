"""What the page says, in both languages, and that other people's text stays text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest

from reports.ledger import Ledger, MonthLedger
from reports.page.figures.evidence import Correction
from reports.page.figures.outlook import Budget, Forecast, Outlook
from reports.page.figures.report import last_months, report_of
from reports.page.telling.amounts import SecondCurrency
from reports.page.telling.document import Document, Section
from reports.page.telling.html import as_html
from reports.page.telling.shares import SHOWN
from reports.page.telling.teller import tell
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
    document = told(agency(), by=("Client",), corrections=(), outlook=Outlook())
    assert [one.key for one in document.sections] == [
        "missing", "moved", "outlook", "providers", "projects", "models", "own-Client", "months", "days", "corrections",
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
    document = told(one_month(row(UsageRecord(cost=Decimal(1))), sources=sources))
    ((name, why),) = (section(document, "missing").table or pytest.fail("no table")).rows
    assert (name.text, name.detail) == ("OpenAI", "incomplete")
    assert (why.text, why.language) == ("Il manque les coûts. Days missing: Jan 3, 2026.", "fr")


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


def test_budgets_and_where_the_month_goes() -> None:
    outlook = Outlook(
        budgets=(
            Budget(
                name="Total",
                amount=Decimal(6000),
                spent=Decimal(3000),
                expected=Decimal(6200),
                passes_on=date(2026, 2, 27),
            ),
            Budget(name="OpenAI", amount=Decimal(0), spent=None),
        ),
        total=Decimal(6000),
        forecast=Forecast(likely=Decimal(6200), low=Decimal(5900), high=Decimal(6500), method="From 17 days."),
        surprises=("Something leapt.",),
    )
    one = section(told(agency(RUNNING), FEBRUARY, outlook=outlook), "outlook")
    assert one.sentences == (
        "Expected at the month’s end: $6,200.00, between $5,900.00 and $6,500.00. From 17 days.",
        "Something leapt.",
    )
    assert texts(one) == [
        ["Total", "Feb 27, 2026", "3,000.00", "50%", "6,200.00", "6,000.00"],
        ["OpenAI", "not passed", "–", "–", "–", "0.00"],
    ]
    assert html(agency(RUNNING), FEBRUARY, outlook=outlook).count("Budget $6,000.00") == 2


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

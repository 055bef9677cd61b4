"""The report of a month, as a page shows it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.tasks.pages.results import HOSTILE, make_result, make_source, make_workspace, read_page, to_rerun
from usage.language.choice import Language
from usage.language.saying import say
from usage.language.words import Words
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.outcomes.result import KeptRow, NotionCounts

MONTH = Month(2026, 1)
MONTHS = [Month(2025, 11), Month(2025, 12), MONTH]


def history(
    read_at: datetime = datetime(2026, 2, 5, tzinfo=UTC), **months: dict[str, str | None]
) -> dict[Month, dict[Source, object]]:
    """What is known of some months: the cost of each provider."""
    from tasks.pages.history import Known

    known: dict[Month, dict[Source, object]] = {}
    for name, costs in months.items():
        month = known[Month.parse(name[1:].replace("_", "-"))] = {}
        for provider, cost in costs.items():
            amount = None if cost is None else Decimal(cost)
            row = Known(provider=provider, account="default", status=Status.SUCCES, cost_usd=amount, read_at=read_at)
            month[row.source] = row
    return known


def report(result: object, known: object = None) -> str:
    from tasks.report import month_report

    return month_report(
        result,  # type: ignore[arg-type]
        known or {},  # type: ignore[arg-type]
        MONTHS,
        make_workspace(),
        words=Words(Language.EN),
    )


def test_each_source_its_cost_and_the_change_and_a_total() -> None:
    result = make_result(
        "2026-01",
        make_source("openai", "1234.50", tokens_input=5_000_000, tokens_output=120, requests=42, rows=3),
        make_source("elevenlabs", "12.25", rows=2),
        make_source("deepgram", None, "Donnees indisponibles", account="prod", rows=0),
    )
    shown = read_page(report(result, history(m2025_12={"openai": "1000", "deepgram": "3"})))
    assert shown.headings[:1] == ["⚪ 2026-01: No data to be had"]
    assert shown.tables[0] == [
        ["Source", "Status", "Cost USD", "Against 2025-12", "Tokens in", "Tokens out", "Requests", "Rows"],
        ["openai", "🟢 Success", "1,234.50", "+234.50 (+23%)", "5,000,000", "120", "42", "3"],
        ["elevenlabs", "🟢 Success", "12.25", "–", "–", "–", "–", "2"],
        ["deepgram/prod", "⚪ No data to be had", "–", "–", "–", "–", "–", "0"],
        ["Total", "", "1,246.75", "", "", "", "", "5"],
    ]
    assert "https://www.notion.so/openai" in shown.links
    assert {"https://www.notion.so/usages", "https://www.notion.so/services"} <= set(shown.links)
    assert "To run again" not in shown.headings


def test_nothing_known_is_not_0() -> None:
    shown = read_page(report(make_result("2026-01", make_source(cost=None, rows=0))))
    assert [row[2] for row in shown.tables[0][1:]] == ["–", "–"]
    assert shown.pictures == []


def test_what_to_run_again_and_what_was_written() -> None:
    result = make_result(
        "2026-01",
        make_source("deepgram", None, "Echec", rows=0, log="Échec : clé refusée."),
        notion=NotionCounts(created=1, updated=2, unchanged=3, trashed=4, requests=15),
        to_rerun=(to_rerun("deepgram", "/projects refuse la clé (HTTP 401)."),),
    )
    text = report(result)
    shown = read_page(text)
    assert shown.headings == ["🔴 2026-01: Failure", "To run again", "What was read"]
    assert "/projects refuse la clé \\(HTTP 401\\)" in text
    assert "Rows created: **1**, updated: **2**, trashed: **4**, unchanged: 3 (15 requests to Notion)" in text
    assert "Rows that would be created" in report(result.model_copy(update={"plan": ()}))


def test_a_month_that_is_not_in_notion_is_not_green() -> None:
    shown = read_page(report(make_result("2026-01", make_source(), problem="Notion ne répond pas.")))
    assert shown.headings[0] == "🔴 2026-01: Failure, Notion is incomplete"


def test_one_source_of_several_that_failed() -> None:
    sources = [make_source(), make_source("anthropic"), make_source("deepgram", None, "Echec", rows=0)]
    shown = read_page(report(make_result("2026-01", *sources, status=Status.PARTIEL)))
    assert shown.headings[0] == "🟠 2026-01: Partial, 2 of 3 sources"


def test_a_running_month_is_held_against_none_and_marked() -> None:
    result = make_result(
        "2026-01", make_source("openai", "12.00"), running=say("in progress, day {day}/{days}", day=28, days=31)
    )
    shown = read_page(report(result, history(m2025_12={"openai": "1000"})))
    assert shown.headings[0] == "🟢 2026-01: Success, in progress, day 28/31"
    assert shown.tables[0] == [
        ["Source", "Status", "Cost USD", "Tokens in", "Tokens out", "Requests", "Rows"],
        ["openai", "🟢 Success", "12.00", "–", "–", "–", "1"],
        ["Total", "", "12.00 (in progress, day 28/31)", "", "", "", "1"],
    ]


def test_a_whole_month_is_not_held_against_a_part_of_one() -> None:
    known = history(m2025_12={"openai": "1000"}, read_at=datetime(2025, 12, 28, 6, tzinfo=UTC))
    shown = read_page(report(make_result("2026-01", make_source("openai", "1200")), known))
    assert shown.tables[0][1][3] == "–"
    assert shown.tables[1][1][0] == "2025-12 (in progress, day 28/31)"


def test_what_was_left_alone_and_what_may_keep_a_provider_away() -> None:
    why = "Lue plus tard que ces chiffres."
    kept = tuple(KeptRow(row=f"2026-01 - OpenAI - {name}", key=name, why=why) for name in "ab")
    result = make_result(
        "2026-01", make_source(), notion=NotionCounts(kept=kept), warnings=("ANTROPIC_ADMIN_KEY is not read",)
    )
    text = report(result)
    assert "2 rows left alone\\: Lue plus tard que ces chiffres\\." in text
    assert "ANTROPIC\\_ADMIN\\_KEY is not read" in text


def test_the_chart_and_its_table() -> None:
    known = history(
        m2025_11={"openai": "1", "deepgram": None}, m2025_12={"openai": "2", "deepgram": "0.50"}, m2026_01={}
    )
    text = report(make_result("2026-01", make_source()), known)
    shown = read_page(text)
    assert shown.tables[1] == [
        ["Month", *(provider.label for provider in ProviderName), "Total"],
        ["2025-11", "1.00", "–", "–", "–", "–", "1.00"],
        ["2025-12", "2.00", "–", "–", "0.50", "–", "2.50"],
        ["2026-01", "–", "–", "–", "–", "–", "–"],
    ]
    words = [element.text for element in shown.picture().iter() if element.text]
    assert {"2025-11", "2025-12", "2026-01", "1.00", "2.50"} <= set(words)


@pytest.mark.parametrize("field", ["log", "to_rerun", "problem"])
def test_other_people_s_text_is_shown_and_not_obeyed(field: str) -> None:
    own = {"log": HOSTILE} if field == "log" else {}
    whole = {"to_rerun": (to_rerun("openai", HOSTILE),), "problem": HOSTILE}
    plain = read_page(report(make_result("2026-01", make_source(), to_rerun=(to_rerun("openai", "x"),), problem="x")))
    result = make_result(
        "2026-01", make_source(**own), **({"to_rerun": (to_rerun("openai", "x"),), "problem": "x"} | whole)
    )
    shown = read_page(report(result))
    assert (shown.headings, shown.tables, shown.links, shown.pictures) == (
        plain.headings,
        plain.tables,
        plain.links,
        plain.pictures,
    )
    assert shown.others == plain.others

"""What a backfill came to: one sentence, and a grid of months and services."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.tasks.pages.results import HOSTILE, make_workspace, read_page
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import ProviderName, Status
from usage.settings import load_settings

MONTHS = list(Month(2025, 1).until(Month(2025, 5)))


def months(number: int, *, skipped: int = 0) -> list[Any]:
    from tasks.backfill.ranges import BackfillMonth

    return [BackfillMonth(month, skipped=index < skipped) for index, month in enumerate(MONTHS[:number])]


def ended(*messages: str) -> list[Any]:
    """Months that failed with a message, or ended well without one."""
    from tasks.backfill.children import MonthRun

    return [MonthRun(month, not message, message) for month, message in zip(MONTHS, messages, strict=False)]


@pytest.mark.parametrize(
    ("number", "skipped", "messages", "sentence"),
    [
        (3, 0, ("", "", ""), "3 of 3 months are complete"),
        (3, 1, ("", ""), "3 of 3 months are complete (1 was before)"),
        (3, 3, (), "3 of 3 months are complete (3 were before)"),
        (2, 0, ("", "2025-02: openai: x."), "1 of 2 months are complete. To run again: 2025-02: openai: x."),
        # A run that ended before it knew its month.
        (2, 0, ("No token", ""), "1 of 2 months are complete. To run again: 2025-01: No token"),
        (3, 0, ("a", "b", "c"), "0 of 3 months are complete. To run again: 2025-01: a / 2025-02: b / 2025-03: c"),
    ],
)
def test_the_sentence(number: int, skipped: int, messages: tuple[str, ...], sentence: str) -> None:
    from tasks.summary import describe

    assert describe(months(number, skipped=skipped), ended(*messages)).en == sentence


def test_the_sentence_does_not_name_all_of_many_months() -> None:
    from tasks.summary import describe

    sentence = describe(months(5), ended("a", "b", "c", "d", "e"))
    assert sentence.en.endswith("To run again: 2025-01: a / 2025-02: b / 2025-03: c / and 2 more")


def line(month: Month, provider: ProviderName, status: Status | None, cost: str | None) -> tuple[Any, Any]:
    from notion.summary import MonthStatus

    amount = None if cost is None else Decimal(cost)
    fields: dict[str, Any] = {"status": status, "cost_usd": amount, "rows": 1, "figures_at": None}
    fields |= {"last_collection": None}
    return (month, provider), MonthStatus(month=str(month), provider=provider, **fields)


def report(months_: list[Any], ended_: list[Any], grid: dict[Any, Any], now: str = "2025-06-01") -> str:
    from providers.reading import BackfillMemory
    from tasks.backfill.ranges import Backfill, Range
    from tasks.summary import range_report

    settings = load_settings({"LLM_USAGE_NOW": now}, ())
    asked = Range("2025-01", "2025-03")
    return range_report(
        Backfill(asked, settings, make_workspace(), (), tuple(months_), BackfillMemory({})), ended_, grid
    )


def test_the_grid() -> None:
    from tasks.backfill.ranges import BackfillMonth

    first, second, third = MONTHS[:3]
    grid = dict(
        [
            line(first, ProviderName.OPENAI, Status.SUCCES, "1000.50"),
            line(first, ProviderName.ANTHROPIC, Status.DONNEES_INDISPONIBLES, None),
            line(second, ProviderName.OPENAI, Status.PARTIEL, "0.25"),
            line(second, ProviderName.DEEPGRAM, Status.ECHEC, None),
            line(third, ProviderName.OPENROUTER, None, "3"),
        ]
    )
    chosen = [
        BackfillMonth(first, skipped=True),
        BackfillMonth(second, (ProviderName.DEEPGRAM,), kept=(None,)),  # type: ignore[arg-type]
        BackfillMonth(third),
    ]
    shown = read_page(report(chosen, ended("", "2025-02: deepgram: x."), grid))
    assert shown.headings == ["2025-01 to 2025-03", "To run again"]
    assert shown.tables == [
        [
            ["Month", "OpenAI", "Anthropic", "ElevenLabs", "Deepgram", "OpenRouter", "Total", "This run"],
            ["2025-01", "🟢 1,000.50", "⚪ –", "–", "–", "–", "1,000.50", "not needed"],
            ["2025-02", "🟠 0.25", "–", "–", "🔴 –", "–", "0.25", "read 1"],
            ["2025-03", "–", "–", "–", "–", "3.00", "3.00", "read"],
            ["Total", "1,000.75", "–", "–", "–", "3.00", "1,003.75", ""],
        ]
    ]
    words = [element.text for element in shown.picture().iter() if element.text]
    assert {"2025-01", "2025-02", "2025-03", "1,000.50", "0.25", "3.00"} <= set(words)


def test_the_running_month_is_marked() -> None:
    shown = read_page(report(months(2), ended("", ""), {}, now="2025-02-11T12:00:00Z"))
    assert [row[0] for row in shown.tables[0]] == ["Month", "2025-01", "2025-02 (in progress, day 11/28)", "Total"]


def test_what_may_keep_a_provider_away_is_said() -> None:
    from tasks.summary import describe

    assert (
        describe(months(1), ended(""), [Sentence.of("Deepgram has no key.")]).en
        == "1 of 1 months are complete. Deepgram has no key."
    )


def test_other_people_s_text_is_shown_and_not_obeyed() -> None:
    plain, hostile = (
        read_page(report(months(1), ended(message), {})) for message in ("2025-01: x", f"2025-01: {HOSTILE}")
    )
    assert (hostile.headings, hostile.tables, hostile.others) == (plain.headings, plain.tables, plain.others)
    assert (hostile.links, hostile.pictures) == (plain.links, plain.pictures)

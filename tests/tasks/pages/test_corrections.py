"""Corrections on the page of a run."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from tests.notion.tables import READ_AT, Made
from tests.tasks.pages.results import HOSTILE, read_page
from usage.language.choice import Language
from usage.language.words import Words
from usage.outcomes.correction import Correction
from usage.outcomes.outcome import SourceOutcome
from usage.outcomes.rows import Totals


def shown(*outcomes: SourceOutcome) -> str:
    from tasks.pages.corrections import correction_table

    return "\n\n".join(correction_table(outcomes, Words(Language.EN)))


def corrected(key: str, days: int, old: Totals, new: Totals, what: str = "gpt-4o") -> Correction:
    at = READ_AT + timedelta(days=days)
    day = date(2026, 1, 14)
    return Correction(key=key, workspace="", read_at=at, old=old, new=new, day=day, what=what, alone=True)


def test_the_latest_come_first_and_names_are_shown_and_not_obeyed() -> None:
    made = Made()
    row = made.row("p1", name=HOSTILE)
    first = corrected("p1", 1, Totals(cost=Decimal("45.5001")), Totals(cost=Decimal("45.5002")), what=HOSTILE)
    second = corrected("p2", 2, Totals(tokens_input=1000), Totals(tokens_input=None))
    units = corrected("p2", 3, Totals(), Totals())
    page = read_page(shown(made.outcome(row, corrections=(first,)), made.outcome(corrections=(units, second))))
    head, third, tokens, cost = page.tables[0]
    assert head == ["Read (UTC)", "Source", "Project or key", "Most on", "Model", "Old", "New"]
    assert third[5:] == ["other units", "other units"]
    assert tokens == ["2026-02-07 08:00", "openai", "p2", "2026-01-14", "gpt-4o", "1,000 tokens in", "–"]
    assert (cost[0], cost[5:]) == ("2026-02-06 08:00", ["45.5001 USD", "45.5002 USD"])
    assert "<img src=x" in cost[2]
    assert page.links == page.pictures == []
    assert not {"html_inline", "html_block"} & page.others


def test_where_nothing_was_corrected_nothing_is_said() -> None:
    assert shown(Made().outcome()) == ""


def test_many_are_cut_with_a_word() -> None:
    many = tuple(corrected("p1", 60 - n, Totals(cost=Decimal(1)), Totals(cost=Decimal(2))) for n in range(60))
    text = shown(Made().outcome(corrections=many))
    assert len(read_page(text).tables[0]) == 51
    assert "10 earlier ones are told by `llm-usage history --month 2026-01`." in text

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion.proofs import proof_of
from notion.rows.receipt import Receipt, read_receipt, receipt_of
from notion.rows.values import Values
from tests.notion.tables import Made
from usage.language.choice import Language
from usage.language.sentence import Sentence
from usage.names import ProviderName

MORNING = datetime(2026, 2, 5, 8, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-02-05T08:00:00Z", "2026-02-05T09:00:00+01:00", "2026-02-05T08:00:00"])
def test_the_moment_of_the_reading(text: str) -> None:
    receipt = read_receipt(f'{{"read_at": "{text}", "days": "31/31", "later": {{}}}}')
    assert receipt is not None
    assert receipt.read_at == MORNING


def test_a_receipt_without_a_moment() -> None:
    assert read_receipt("{}") == Receipt(read_at=None)


def test_a_receipt_is_read_as_it_was_written() -> None:
    whole = Receipt(
        organisation="org-1",
        days="29/31",
        missing_days=(date(2026, 1, 3), date(2026, 1, 9)),
        answer_pages=12,
        rows=3,
        cost_usd=Decimal("1.500000000000000000001"),
        allocated_usd=Decimal("0.25"),
        control_usd=Decimal("1.6"),
        control_sum_usd=Decimal("1.5"),
        control_agrees=False,
        read_at=MORNING,
        fresh_until=MORNING,
        lacking=("Il manque 2 jours : 29 jours lus sur 31.",),
    )
    assert '"days":"29/31","missing_days":["2026-01-03","2026-01-09"]' in whole.to_json()
    assert read_receipt(whole.to_json()) == whole
    assert '"missing_days":[]' in Receipt(days="31/31").to_json()
    assert "missing_days" not in Receipt().to_json()
    assert "allocated" not in Receipt().to_json()


LACKING = (
    Sentence(en="The costs are missing.", fr="Il manque les coûts."),
    Sentence.of("GET /usage"),
)


def lacking_of(receipt: str) -> tuple[Sentence, ...]:
    """What the proof of a row with such a receipt says that it lacks."""
    proof = proof_of(Values(month="2026-01", breakdown=receipt), ProviderName.OPENAI)
    assert proof is not None
    return proof.lacking


@pytest.mark.parametrize("language", Language)
def test_what_was_lacking_is_told_to_readers_of_either_language(made: Made, language: Language) -> None:
    receipt = receipt_of(made.outcome(made.row("p1"), lacking=LACKING), language)
    # People read it in Notion, and so do older versions.
    assert receipt.lacking == tuple(one.told_in(language) for one in LACKING)
    assert lacking_of(receipt.to_json()) == LACKING
    assert read_receipt(receipt.to_json()) == receipt


def test_what_an_older_receipt_lacks_is_told_as_it_stands_there() -> None:
    assert lacking_of('{"lacking": ["Il manque les coûts."]}') == (Sentence.of("Il manque les coûts."),)


def test_what_somebody_has_taken_away_is_not_told(made: Made) -> None:
    receipt = receipt_of(made.outcome(made.row("p1"), lacking=LACKING), Language.FR)
    edited = receipt.model_copy(update={"lacking": receipt.lacking[:1]})
    assert lacking_of(edited.to_json()) == (Sentence.of("Il manque les coûts."),)


def test_nothing_is_written_twice_that_is_the_same_in_both_languages(made: Made) -> None:
    assert "lacking_in" not in receipt_of(made.outcome(made.row("p1"), lacking=LACKING[1:]), Language.FR).to_json()
    assert "lacking" not in receipt_of(made.outcome(made.row("p1")), Language.FR).to_json()


@pytest.mark.parametrize("text", ["", "[]", "null", "3", '{"read_at": "yesterday"}', '{"read_at":', "voir avec Anne"])
def test_what_is_no_receipt(text: str) -> None:
    assert read_receipt(text) is None


@given(st.text())
def test_any_text_can_be_looked_at(text: str) -> None:
    read_receipt(text)

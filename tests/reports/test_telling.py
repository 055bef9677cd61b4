"""A comparison in sentences, in both languages."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.comparison import MOST_SHOWN, compare
from reports.currency import Rate, Rates, RateSource
from reports.ledger import Ledger
from reports.telling import told
from tests.reports.ledgers import DECEMBER, FEBRUARY, JANUARY, day, ledger, ledgers, record, row, source
from tests.reports.test_comparison import AFTER
from usage.language.choice import Language
from usage.language.words import Words
from usage.names import ProviderName


def lines(one: Ledger, language: Language = Language.EN) -> list[str]:
    return [line.replace("\xa0", " ") for line in told(compare(one, FEBRUARY), Words(language)).lines]


def test_a_total_its_change_and_what_moved() -> None:
    one = ledger(
        row(JANUARY, "p", record("10", None, "a"), record("10", None, "b"), name="Site", account="labo"),
        row(JANUARY, "q", record("1"), name="Gone"),
        row(FEBRUARY, "p", record("12", None, "a"), record("3.5", None, "b"), name="Site", account="labo"),
        row(FEBRUARY, "r", record("30.25", None, "c"), provider=ProviderName.DEEPGRAM, name="Podcast"),
        now=AFTER,
    )
    assert lines(one) == [
        "Total of February 2026: $45.75, +$24.75 (+118%) against January 2026 ($21.00).",
        "Deepgram, Podcast: +$30.25, new this month, mostly c.",
        "OpenAI, Site (labo): -$4.50 (-22%), most of it b (-$6.50).",
        "OpenAI, Gone: -$1.00 (-100%), gone this month.",
    ]
    assert lines(one, Language.FR)[:2] == [
        "Total de février 2026 : 45,75 $US, +24,75 $US (+118 %) par rapport à janvier 2026 (21,00 $US).",
        "Deepgram, Podcast : +30,25 $US, nouveau ce mois-ci, surtout c.",
    ]


def test_a_running_month_says_up_to_when() -> None:
    one = ledger(
        row(JANUARY, "p", record("1", day(JANUARY, 13)), record("50", day(JANUARY, 14))),
        row(FEBRUARY, "p", record("3", day(FEBRUARY, 13)), record("70", day(FEBRUARY, 14))),
    )
    assert lines(one)[:2] == [
        "Total of February 2026: $73.00.",
        "Up to Feb 13, 2026: $3.00, +$2.00 (+200%) against the same days of January 2026 ($1.00).",
    ]


def test_what_is_not_compared_is_named() -> None:
    deepgram, elevenlabs = ProviderName.DEEPGRAM, ProviderName.ELEVENLABS
    one = ledger(
        row(JANUARY, "p", record("1", day(JANUARY, 3))),
        row(JANUARY, "q", record("100"), provider=deepgram),
        row(JANUARY, "s", record("7", day(JANUARY, 3))),
        row(FEBRUARY, "p", record("3", day(FEBRUARY, 3))),
        row(FEBRUARY, "s", record(None, day(FEBRUARY, 3))),
        row(FEBRUARY, "r", record("5", day(FEBRUARY, 3)), provider=elevenlabs),
        sources=[
            *(source(month, name) for month in (JANUARY, FEBRUARY) for name in (ProviderName.OPENAI, deepgram)),
            source(FEBRUARY, elevenlabs),
        ],
    )
    assert lines(one)[-3:] == [
        "Not compared, as one of the two months was not read: ElevenLabs.",
        "Not compared, as their days are not known: Deepgram.",
        "Not compared: 1 row whose cost is known in one of the two months alone.",
    ]
    assert told(compare(one, FEBRUARY), Words(Language.EN)).not_compared == (elevenlabs, deepgram)


def test_without_a_month_before_there_is_a_total() -> None:
    one = ledger(row(DECEMBER, "p", record("9")), row(FEBRUARY, "p", record("3")), now=AFTER)
    assert lines(one) == ["Total of February 2026: $3.00. Nothing of January 2026 can be held against it."]
    nothing = told(compare(one, FEBRUARY), Words(Language.EN))
    assert (nothing.compares, nothing.change_usd, nothing.total_usd) == (False, None, "3.00")


def test_a_total_that_nobody_tells_is_no_zero() -> None:
    one = ledger(row(FEBRUARY, "p", record(None)), now=AFTER)
    assert lines(one)[0].startswith("Total of February 2026: –.")
    assert told(compare(one, FEBRUARY), Words(Language.EN)).total_usd is None


@pytest.mark.parametrize("language", Language)
@given(one=ledgers())
def test_whatever_happened_it_can_be_told(language: Language, one: Ledger) -> None:
    comparison = compare(one, FEBRUARY)
    what = told(comparison, Words(language))
    assert what.lines
    assert len(what.movers) == min(MOST_SHOWN, len(comparison.movers))
    if comparison.cost is not None and comparison.cost.amount is not None:
        assert what.change_usd is not None
        assert Decimal(what.change_usd) == comparison.cost.amount


@given(st.sampled_from(["{0}", "{total}", "%s", "{", "}"]))
def test_names_are_no_places_in_a_sentence(name: str) -> None:
    one = ledger(row(JANUARY, "p", record("1")), row(FEBRUARY, "p", record("3", None, name), name=name), now=AFTER)
    assert name in lines(one)[1]


def test_the_total_in_euros_where_the_month_has_a_rate() -> None:
    one = ledger(row(JANUARY, "p", record("10")), row(FEBRUARY, "p", record("12")), now=AFTER)
    rate = Rate(FEBRUARY, "EUR", Decimal("1.25"), RateSource.ECB)
    known = told(compare(one, FEBRUARY), Words(Language.EN), Rates("EUR", {FEBRUARY: rate}))
    assert known.lines[0] == "Total of February 2026: $12.00 (€9.60), +$2.00 (+20%) against January 2026 ($10.00)."
    assert known.lines[-1] == "1 EUR = 1.25 USD, the European Central Bank’s average of February 2026."
    unknown = told(compare(one, FEBRUARY), Words(Language.EN), Rates("EUR"))
    assert unknown.lines == tuple(lines(one))

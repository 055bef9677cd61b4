from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import ProviderName, Source
from usage.outcomes.report import Control, Gap, GapKind, SourceReport
from usage.outcomes.story import failure_log, rerun_hint, row_log, running_mark, source_log
from usage.records.record import UsageRecord

MakeReport = Callable[..., SourceReport]
MISSING = Gap(kind=GapKind.MISSING, sentence="Il manque les images : la connexion a été coupée.")
UNAVAILABLE = Gap(kind=GapKind.UNAVAILABLE, sentence="Pas de montants pour ce mois.")


def test_a_month_that_was_read_whole(make_report: MakeReport) -> None:
    report = make_report(
        requests=14,
        pages=13,
        days_read=31,
        control=Control(total=Decimal("45.5"), summed=Decimal("45.5"), agrees=True),
        remarks=("Les noms n’ont pas pu être lus.",),
    )
    assert str(source_log(report, Decimal("45.5"), 3)) == (
        "31 jours lus sur 31, du 2026-01-01 au 2026-01-31. 14 requêtes, 13 pages. 3 lignes, 45,50 USD. "
        "Total de contrôle du fournisseur : 45,50 USD, identique. Les noms n’ont pas pu être lus."
    )


def test_a_month_without_usage(make_report: MakeReport) -> None:
    assert "Aucune utilisation." in str(source_log(make_report(), None, 0))


def test_what_is_missing_is_said_once_and_how_to_mend_it(make_report: MakeReport) -> None:
    report = make_report(UsageRecord(missing_amounts=2), gaps=(MISSING, UNAVAILABLE, MISSING))
    log = str(source_log(report, None, 1))
    assert "1 ligne, sans montant en USD. 2 montants manquent dans la réponse." in log
    assert log.count(str(MISSING.sentence)) == 1
    assert log.endswith("Pour relancer : llm-usage collect --month 2026-01 --provider openai.")


def test_what_nobody_can_mend_asks_for_nothing(make_report: MakeReport) -> None:
    log = str(source_log(make_report(gaps=(UNAVAILABLE,)), None, 1))
    assert str(UNAVAILABLE.sentence) in log
    assert "relancer" not in log


@pytest.mark.parametrize(
    ("days", "words"),
    [(31, "31 jours lus sur 31, du"), (20, "20 jours lus sur 31, du"), (1, "1 jour lu sur 31, du"), (0, "0 jour lu")],
)
def test_days_are_those_that_were_read(make_report: MakeReport, days: int, words: str) -> None:
    assert str(source_log(make_report(days_read=days), None, 0)).startswith(words)


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (range(21, 32), "20 jours lus sur 31 ; manquent du 21 au 31."),
        ([3], "30 jours lus sur 31 ; manque le 3."),
        ([1, 5, 6, 7], "27 jours lus sur 31 ; manquent le 1er, du 5 au 7."),
        (range(1, 32), "0 jour lu sur 31 ; manque tout le mois, du 2026-01-01 au 2026-01-31."),
    ],
)
def test_missing_days_are_named(make_report: MakeReport, missing: Sequence[int], words: str) -> None:
    days = tuple(date(2026, 1, day) for day in missing)
    assert str(source_log(make_report(days_read=31 - len(days), missing_days=days), None, 0)).startswith(words)


def test_where_no_days_are_given_none_are_told(make_report: MakeReport) -> None:
    assert "lus" not in str(source_log(make_report(days_read=None), None, 0))


def test_totals_that_differ_are_shown_to_the_digit_in_which_they_do(make_report: MakeReport) -> None:
    control = Control(total=Decimal("45.5"), summed=Decimal("45.4999999"), agrees=False)
    assert "45,5000000 USD, somme des lignes : 45,4999999 USD" in str(source_log(make_report(control=control), None, 1))


def test_totals_that_agree_but_for_roundings_are_not_called_identical(make_report: MakeReport) -> None:
    control = Control(total=Decimal("45.5"), summed=Decimal("45.5000001"), agrees=True)
    assert "45,50 USD, identique aux arrondis près." in str(source_log(make_report(control=control), None, 1))


@pytest.mark.parametrize(
    ("until", "sentence"),
    [
        (datetime(2026, 1, 14, 15, 30, tzinfo=UTC), "2026-01 : mois en cours, données jusqu’au 2026-01-14."),
        (datetime(2026, 1, 14, tzinfo=UTC), "2026-01 : mois en cours, données jusqu’au 2026-01-13."),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01 : mois en cours, pas encore de données."),
        (datetime(2026, 2, 1, tzinfo=UTC), "Mois demandé du 2026-01-01 au 2026-01-31."),
        (None, "Mois demandé du 2026-01-01 au 2026-01-31."),
    ],
)
def test_how_far_the_data_goes(make_report: MakeReport, until: datetime | None, sentence: str) -> None:
    read_at = until or datetime(2026, 2, 5, 8, tzinfo=UTC)
    assert str(source_log(make_report(data_until=until, read_at=read_at), None, 0)).startswith(sentence)


def test_a_closed_month_with_late_data(make_report: MakeReport) -> None:
    report = make_report(data_until=datetime(2026, 1, 31, tzinfo=UTC))
    assert str(source_log(report, None, 0)).startswith(
        "2026-01 : mois clos, mais provisoire, données jusqu’au 2026-01-30."
    )


def test_a_provisional_month(make_report: MakeReport) -> None:
    assert "provisoire : " in str(source_log(make_report(provisional=True), None, 0))


def test_the_log_of_a_row(make_report: MakeReport) -> None:
    report = make_report(row_note="Coûts du rapport.", remarks=("Un détail.",), requests=9)
    assert str(row_log(report, has_cost=True, missing_amounts=0)) == "Coûts du rapport."
    assert str(row_log(report, has_cost=False, missing_amounts=1)) == (
        "Coûts du rapport. Le fournisseur ne publie aucun coût pour cette ligne. Un montant manque dans la réponse."
    )
    with_gap = make_report(gaps=(UNAVAILABLE,))
    assert str(row_log(with_gap, has_cost=False, missing_amounts=0)) == str(UNAVAILABLE.sentence)


def test_a_failure(make_report: MakeReport) -> None:
    source = Source(provider=ProviderName.OPENAI, account="labo")
    month = Month(2026, 1)
    log = str(failure_log(source, month, Sentence.of("La clé est refusée.")))
    assert log == f"Échec : La clé est refusée. Les chiffres déjà écrits restent. {rerun_hint(source, month)!s}"
    assert str(rerun_hint(source, month)).endswith("--provider openai --account labo.")


def test_a_month_that_is_running_has_a_mark() -> None:
    month = Month(2026, 11)
    assert str(running_mark(month, datetime(2026, 11, 1, tzinfo=UTC))) == "en cours, jour 1/30"
    assert str(running_mark(month, datetime(2026, 11, 28, 23, 59, tzinfo=UTC))) == "en cours, jour 28/30"
    assert str(running_mark(month, datetime(2026, 12, 1, tzinfo=UTC))) == ""

"""The French sentences that rows and sources carry: what was read, how sure it is, what is missing and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from usage.money import digits, french_amount, tell_apart
from usage.month import Month
from usage.names import DEFAULT_ACCOUNT, Source
from usage.outcomes.report import GapKind, SourceReport
from usage.records.allocation import share

RUNNING: Final = "mois en cours"
"""Stands in the log of every row whose month had not ended when it was read; Notion's views look for it."""


def row_log(report: SourceReport, *, has_cost: bool, missing_amounts: int, allocated: str = "") -> str:
    """Log of one row. It depends on the data alone, so that a second run has nothing to write.

    `allocated` is the sentence on the part of its cost that was divided by usage, if any was.
    """
    return _join(
        [
            report.row_note,
            allocated,
            *(note.sentence for note in report.row_notes),
            f"Chiffres d’un {RUNNING}." if report.month.is_running(report.read_at) else "",
            "" if has_cost or report.gaps else "Le fournisseur ne publie aucun coût pour cette ligne.",
            _missing_amounts(missing_amounts),
            *(gap.sentence for gap in report.gaps),
        ]
    )


def describe_share(part: Decimal | None, whole: Decimal | None) -> str:
    """The part of a row's cost that was divided by usage, and how much that is of what was divided (USD)."""
    shared = share(part, whole)
    if part is None or whole is None or not (part or whole):
        return ""
    if shared is None:
        return f"Coût réparti selon l’usage : {french_amount(part)} USD que le fournisseur ne donne pas par clé."
    percent = digits(shared.scaleb(2).quantize(Decimal("0.1"), ROUND_HALF_UP)).replace(".", ",")
    if part and percent == "0":
        percent = "moins de 0,1"
    return (
        f"Coût réparti selon l’usage : {percent} % des {french_amount(whole)} USD que le fournisseur ne donne pas par "
        f"clé, soit {french_amount(part)} USD."
    )


def source_log(report: SourceReport, cost: Decimal | None, rows: int) -> str:
    """The whole story of a source that was read: `rows` of them, which cost so much together (USD)."""
    return _join(
        [
            *(() if _is_out_of_reach(report) else (_describe_reach(report),)),
            f"{report.requests} requêtes, {report.pages} pages.",
            *(() if _is_out_of_reach(report) else (_describe_rows(cost, rows),)),
            _describe_control(report),
            _missing_amounts(report.missing_amounts),
            *(gap.sentence for gap in report.gaps),
            *report.remarks,
            rerun_hint(report.source, report.month) if report.missing else "",
        ]
    )


def failure_log(source: Source, month: Month, sentence: str) -> str:
    """The story of a source that could not be read."""
    return _join([f"Échec : {sentence}", "Les chiffres déjà écrits restent.", rerun_hint(source, month)])


def rerun_hint(source: Source, month: Month) -> str:
    """How to read just this source again."""
    return f"Pour relancer : {rerun_command(source, month)}."


def rerun_command(source: Source, month: Month) -> str:
    """The command that reads just this source again."""
    return f"llm-usage collect --month {month} {_only(source)}"


def archived_sentence(source: Source, month: Month, read_at: datetime) -> str:
    """What stands for a month that the provider does not have any more."""
    return (
        f"La lecture du {read_at.date()} est dans l’archive : les chiffres restent. "
        f"Pour les publier à nouveau : llm-usage replay {month} {_only(source)}."
    )


def _only(source: Source) -> str:
    account = "" if source.account == DEFAULT_ACCOUNT else f" --account {source.account}"
    return f"--provider {source.provider}{account}"


def running_mark(month: Month, now: datetime) -> str:
    """What stands beside a figure that still grows, `en cours, jour 28/30`; empty once the month has ended (UTC)."""
    return f"en cours, jour {(now - month.start).days + 1}/{month.days}" if month.is_running(now) else ""


def _is_out_of_reach(report: SourceReport) -> bool:
    """Whether nothing was read because the provider does not offer it: then it is not known that nothing was used."""
    return not report.records and any(gap.kind is GapKind.UNAVAILABLE for gap in report.gaps)


def _describe_reach(report: SourceReport) -> str:
    month, until = report.month, report.data_until
    if until is not None and until < month.end:
        lead = RUNNING if month.is_running(report.read_at) else "mois clos, mais provisoire"
        if until <= month.start:
            return f"{month} : {lead}, pas encore de données."
        return f"{month} : {lead}, données jusqu’au {(until - timedelta(microseconds=1)).date()}."
    span = f"du {month.first_day} au {month.last_day}"
    # Where the provider gives no days, only what was asked for is known.
    lead = f"Mois demandé {span}" if report.days_read is None else _describe_days(report, report.days_read, span)
    return f"{lead}, provisoire : le fournisseur peut encore corriger ce mois." if report.provisional else f"{lead}."


def _describe_days(report: SourceReport, days: int, span: str) -> str:
    lack = missing_days(report.missing_days, report.month) if report.missing_days else ""
    return f"{days_read(days, report.month)} ; {lack}" if lack else f"{days_read(days, report.month)}, {span}"


def missing_days(days: Sequence[date], month: Month) -> str:
    """Which days are missing, at least one of them: `manque le 3`, `manquent le 1er, du 5 au 7`."""
    if len(days) >= month.days:
        return f"manque tout le mois, du {month.first_day} au {month.last_day}"
    told = ", ".join(
        f"le {_day(first)}" if first == last else f"du {_day(first)} au {last.day}" for first, last in runs(days)
    )
    return f"{'manque' if len(days) == 1 else 'manquent'} {told}"


def runs(days: Iterable[date]) -> list[tuple[date, date]]:
    """Days in order as runs without a hole, each by its first and last."""
    found: list[tuple[date, date]] = []
    for day in days:
        if found and day - found[-1][1] == timedelta(days=1):
            found[-1] = found[-1][0], day
        else:
            found.append((day, day))
    return found


def _day(day: date) -> str:
    return "1er" if day.day == 1 else str(day.day)


def days_read(days: int, month: Month) -> str:
    """How many days of a month the answers hold: `20 jours lus sur 31`."""
    return f"{days} jour lu sur {month.days}" if days == 1 else f"{days} jours lus sur {month.days}"


def _describe_rows(cost: Decimal | None, rows: int) -> str:
    if rows == 0:
        return "Aucune utilisation."
    lines = f"{rows} ligne{'s' if rows > 1 else ''}"
    return f"{lines}, {french_amount(cost)} USD." if cost is not None else f"{lines}, sans montant en USD."


def _describe_control(report: SourceReport) -> str:
    control = report.control
    if control is None:
        return ""
    if control.agrees:
        same = "identique" if control.total == control.summed else "identique aux arrondis près"
        return f"Total de contrôle du fournisseur : {french_amount(control.total)} USD, {same}."
    total, summed = tell_apart(control.total, control.summed)
    return f"Total de contrôle : {total} USD, somme des lignes : {summed} USD."


def _missing_amounts(count: int) -> str:
    if count == 0:
        return ""
    return "Un montant manque dans la réponse." if count == 1 else f"{count} montants manquent dans la réponse."


def _join(sentences: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(sentence for sentence in sentences if sentence))

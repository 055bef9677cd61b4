"""One month's figures from whatever reports a workspace has: analytics first, the account's statistics last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from providers.base import Job
from providers.elevenlabs.analytics import NOT_SERVED, Reading, merged, read_again, read_analytics, total_of
from providers.elevenlabs.parse import USD, Span
from providers.elevenlabs.stats import account_money, account_usage, foreign_money, money_of_account_only, no_money
from usage.errors import RefusedError
from usage.records import UsageRecord
from usage.report import Control, Gap, GapKind, Thing

_COST_NOTE: Final = "Coût d’usage donné par ElevenLabs, sans l’abonnement, les taxes ni les remises."
_CREDITS_NOTE: Final = "Crédits donnés par ElevenLabs."
_BY_COST_NOTE: Final = "Facturation au coût : ElevenLabs n’y compte ni crédits ni requêtes."
_ACCOUNT_NOTE: Final = "ElevenLabs ne donne les montants que pour le compte entier."
_ACCOUNT_PATH: Final = "Lu par l’ancien rapport du compte entier (character-stats) : les analyses ne sont pas servies."
_MISMATCH: Final = "La somme des lignes ne correspond pas au total d’ElevenLabs."


@dataclass(frozen=True, slots=True)
class Harvest:
    """What the reports brought; most fields go to the `SourceReport` as they are.

    `note` is for each row and `path` for the source's own: which report answered. `labels` are keys named by a report.
    """

    records: tuple[UsageRecord, ...]
    note: str
    path: str
    gaps: tuple[Gap, ...] = ()
    control: Control | None = None
    coarse: bool = False
    labels: tuple[Thing, ...] = ()


async def harvest(job: Job, span: Span) -> Harvest:
    """The figures of a span of days.

    Raises:
        RefusedError: No report serves the span: the job can't do without all three.
        SourceError: A report could not be read, or breaks the contract.
    """
    try:
        readings = await read_analytics(job, span)
    except NOT_SERVED as refused:
        account = await _account(job, span)
        if account is None:
            sentence = f"ElevenLabs ne sert aucun rapport d’usage : {refused.sentence}"
            raise RefusedError(sentence, status=refused.status) from None
        return account
    if readings[0].report.by_cost and not readings[0].figures.records:
        # Refused by one report, unknown to the other: an empty month, or usage that only the statistics still know.
        account = await _account(job, span)
        if account is not None and account.records:
            return account
    readings, checked = await _controlled(job, readings)
    return await _with_account_money(job, _of_reports(readings, checked), readings)


async def _controlled(job: Job, readings: list[Reading]) -> tuple[list[Reading], Control | None]:
    """The readings and their control total; both are read once more before a mismatch is believed."""
    if job.month.is_running(job.now):
        return readings, None
    checked = await total_of(job, readings)
    if checked is not None and not checked.agrees:
        readings = await read_again(job, readings)
        checked = await total_of(job, readings)
    return readings, checked


def _of_reports(readings: Sequence[Reading], checked: Control | None) -> Harvest:
    return Harvest(
        merged(readings),
        _note(readings),
        _path(readings),
        gaps=tuple(_gaps(readings, checked)),
        control=checked,
        labels=tuple(label for reading in readings for label in reading.figures.labels),
    )


async def _with_account_money(job: Job, found: Harvest, readings: Sequence[Reading]) -> Harvest:
    """Where analytics have no amounts, those of the account beside them: the whole then speaks for the account.

    It does so too where the amounts could not be read this time: rows by key would stand in the way of the account's
    row once they are.
    """
    span = next((r.span for r in readings if r.figures.records and not r.figures.currency), None)
    if span is None:
        return found
    last = span.end - timedelta(days=1)
    when = "ce mois" if len(readings) == 1 else f"les jours du {span.start:%Y-%m-%d} au {last:%Y-%m-%d}"
    money = await account_money(job, span)
    gap = no_money(when) if money.is_absent else money.gap
    if gap is not None and gap.kind is GapKind.UNAVAILABLE:
        # Amounts in another currency are not worth giving up the keys' rows for.
        return replace(found, gaps=(*found.gaps, money_of_account_only(money.currency) if money.currency else gap))
    return replace(
        found,
        records=(*(replace(record, api_key=None) for record in found.records), *money.records),
        note=_ACCOUNT_NOTE,
        gaps=found.gaps if gap is None else (*found.gaps, gap),
        # The total of a part of the days says nothing about the whole.
        control=None,
        coarse=True,
    )


async def _account(job: Job, span: Span) -> Harvest | None:
    """The account's statistics; None where they are not served."""
    try:
        usage = await account_usage(job, span)
    except NOT_SERVED:
        return None
    money = await account_money(job, span)
    gap = no_money("ce mois") if money.is_absent and usage else money.gap
    gaps = () if gap is None else (gap,)
    return Harvest((*usage, *money.records), _ACCOUNT_NOTE, _ACCOUNT_PATH, gaps=gaps, coarse=True)


def _gaps(readings: Sequence[Reading], checked: Control | None) -> list[Gap]:
    currencies = {r.figures.currency for r in readings if r.figures.records and r.figures.currency} - {USD}
    gaps = [foreign_money(currency) for currency in sorted(currencies)]
    if checked is not None and not checked.agrees:
        gaps.append(Gap(kind=GapKind.MISSING, sentence=_MISMATCH))
    return gaps


def _note(readings: Sequence[Reading]) -> str:
    sentences = [_COST_NOTE if any(reading.figures.currency for reading in readings) else _CREDITS_NOTE]
    if len(readings) > 1:
        change = readings[0].span.end
        sentences.append(f"En crédits jusqu’au {change - timedelta(days=1):%Y-%m-%d}, au coût ensuite.")
    elif readings[0].report.by_cost:
        sentences.append(_BY_COST_NOTE)
    return " ".join(sentences)


def _path(readings: Sequence[Reading]) -> str:
    currencies = sorted({r.figures.currency.upper() for r in readings if r.figures.currency})
    money = f"montants en {', '.join(currencies)}" if currencies else "sans montants"
    return f"Lu par {' et '.join(reading.report.what for reading in readings)}, {money}."

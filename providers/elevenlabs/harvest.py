"""One month's figures from whatever reports a workspace has: analytics first, the account's statistics last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from providers.base import Job
from providers.elevenlabs.analytics import (
    NOT_SERVED,
    Checked,
    Reading,
    is_settling,
    merged,
    read_again,
    read_analytics,
    total_of,
)
from providers.elevenlabs.parse import USD, Span
from providers.elevenlabs.stats import account_money, account_usage, foreign_money, money_of_account_only, no_money
from providers.elevenlabs.tables import REQUESTS
from usage.errors import RefusedError, SourceError
from usage.outcomes.report import Control, Count, Gap, GapKind, Thing
from usage.records.record import UsageRecord

_COST_NOTE: Final = "Coût d’usage donné par ElevenLabs, sans l’abonnement, les taxes ni les remises."
_CREDITS_NOTE: Final = "Crédits donnés par ElevenLabs."
_BY_COST_NOTE: Final = "Facturation au coût : ElevenLabs n’y compte ni crédits ni requêtes."
_ACCOUNT_NOTE: Final = "ElevenLabs ne donne les montants que pour le compte entier."
_ACCOUNT_PATH: Final = (
    "Lu par l’ancien rapport du compte entier (character-stats), sans les clés : les analyses ne sont pas servies."
)
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
    remarks: tuple[str, ...] = ()
    dropped: tuple[Count, ...] = ()
    new_fields: tuple[Count, ...] = ()


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


async def _controlled(job: Job, readings: list[Reading]) -> tuple[list[Reading], Checked]:
    """The readings and their control total; both are read once more before a mismatch is believed."""
    if job.month.is_running(job.now) or is_settling(job):
        return readings, Checked()
    checked = await total_of(job, readings)
    if not checked.differs:
        return readings, checked
    try:
        again = await read_again(job, readings)
    except SourceError:
        # What was read the first time is not lost for it: the difference is believed.
        return readings, checked
    return again, await total_of(job, again)


def _of_reports(readings: Sequence[Reading], checked: Checked) -> Harvest:
    return Harvest(
        merged(readings),
        _note(readings),
        _path(readings),
        gaps=tuple(_gaps(readings, checked)),
        control=checked.control,
        labels=tuple(label for reading in readings for label in reading.figures.labels),
        remarks=(*filter(None, [checked.remark]), *_uncounted(readings)),
        dropped=tuple(count for reading in readings for count in _dropped(reading)),
        new_fields=tuple(count for reading in readings for count in reading.figures.new),
    )


def _dropped(reading: Reading) -> Iterator[Count]:
    for lost in reading.figures.lost:
        yield Count(what=f"{reading.report.path} : {lost.what}", count=lost.count)
    for doubt in reading.figures.doubts:
        yield Count(what=f"{reading.report.path} : {doubt.what}", count=len(reading.figures.records))


def _uncounted(readings: Sequence[Reading]) -> list[str]:
    """What of the figures is not there to be read."""
    without = [r for r in readings if r.figures.records and not r.report.by_cost and not r.figures.counts_requests]
    doubted = any(doubt.what == REQUESTS for reading in readings for doubt in reading.figures.doubts)
    return ["Le rapport des crédits ne compte pas les requêtes."] if without and not doubted else []


async def _with_account_money(job: Job, found: Harvest, readings: Sequence[Reading]) -> Harvest:
    """Where analytics have no amounts, those of the account beside them: the whole then speaks for the account.

    It does so too where the amounts could not be read this time: rows by key would stand in the way of the account's
    row once they are.
    """
    span = next((r.span for r in readings if r.figures.without_money), None)
    if span is None:
        return found
    last = span.end - timedelta(days=1)
    when = "ce mois" if len(readings) == 1 else f"les jours du {span.start:%Y-%m-%d} au {last:%Y-%m-%d}"
    money = await account_money(job, span)
    gap = no_money(when) if money.is_absent else money.gap
    if gap is not None and gap.kind is GapKind.UNAVAILABLE:
        # Amounts in another currency are not worth giving up the keys' rows for.
        return replace(found, gaps=(*found.gaps, money_of_account_only(money.currency) if money.currency else gap))
    keys = {record.api_key for record in found.records} - {None}
    merged_keys = f"{len(keys)} clés réunies en une ligne : les montants n’existent que pour le compte entier."
    return replace(
        found,
        remarks=(*found.remarks, merged_keys) if len(keys) > 1 else found.remarks,
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


def _gaps(readings: Sequence[Reading], checked: Checked) -> list[Gap]:
    currencies = {currency for r in readings if r.figures.records for currency in r.figures.currencies} - {USD}
    gaps = [foreign_money(currency) for currency in sorted(currencies)]
    for reading in readings:
        gaps += [Gap(kind=GapKind.MISSING, sentence=doubt.sentence) for doubt in reading.figures.doubts]
        lost = " ; ".join(f"{lost.what} : {lost.count}" for lost in reading.figures.lost)
        if lost:
            gaps.append(Gap(kind=GapKind.MISSING, sentence=f"Laissé de côté dans {reading.report.what} : {lost}."))
    if checked.differs:
        gaps.append(Gap(kind=GapKind.MISSING, sentence=_MISMATCH))
    return gaps


def _note(readings: Sequence[Reading]) -> str:
    sentences = [_COST_NOTE if any(reading.figures.currencies for reading in readings) else _CREDITS_NOTE]
    if len(readings) > 1:
        change = readings[0].span.end
        sentences.append(
            f"En crédits jusqu’au {change - timedelta(days=1):%Y-%m-%d}, au coût ensuite : les requêtes et minutes des "
            "clés utilisées avant et après ne sont pas données."
        )
    elif readings[0].report.by_cost:
        sentences.append(_BY_COST_NOTE)
    return " ".join(sentences)


def _path(readings: Sequence[Reading]) -> str:
    currencies = sorted({currency.upper() for r in readings for currency in r.figures.currencies})
    money = f"montants en {', '.join(currencies)}" if currencies else "sans montants"
    return f"Lu par {' et '.join(reading.report.what for reading in readings)}, {money}."

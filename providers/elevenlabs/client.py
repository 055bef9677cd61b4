"""Which requests ElevenLabs is asked, in which order, and what the answers amount to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from msgspec import structs
from pydantic import SecretStr

from providers.elevenlabs.analytics import TotalCheck, compare_with_total, merge_records, read_again, read_analytics
from providers.elevenlabs.days import SETTLING, Span, asked_days, require_reach
from providers.elevenlabs.endpoints import SERVICE_ACCOUNTS
from providers.elevenlabs.parse import ReportFigures, ServiceAccounts, Subscription
from providers.elevenlabs.refusals import NOT_SERVED, explain
from providers.elevenlabs.registry import list_keys, list_things, name_keys, read_names
from providers.elevenlabs.stats import (
    account_money,
    account_usage,
    foreign_money,
    money_of_account_only,
    no_money,
    subscription,
)
from providers.elevenlabs.tables import REQUESTS
from providers.shared.amounts import USD
from providers.shared.checks import CheckResult, CheckStatus, try_reading
from providers.shared.control import believe_twice, mismatch
from providers.shared.job import Job
from providers.shared.lines import counts
from usage.errors import RefusedError, SourceError
from usage.names import ProviderName
from usage.outcomes.report import Control, Count, Gap, GapKind, SourceReport, Thing
from usage.records.record import UsageRecord
from usage.records.sums import RecordSums

_NO_MONEY_HERE: Final = (
    "Les analyses d’ElevenLabs n’ont pas de montants ici : ceux du compte entier sont cherchés dans character-stats."
)

_COST_NOTE: Final = "Coût d’usage donné par ElevenLabs, sans l’abonnement, les taxes ni les remises."
_CREDITS_NOTE: Final = "Crédits donnés par ElevenLabs."
_BY_COST_NOTE: Final = "Facturation au coût : ElevenLabs n’y compte ni crédits ni requêtes."
_ACCOUNT_NOTE: Final = "ElevenLabs ne donne les montants que pour le compte entier."
_ACCOUNT_PATH: Final = (
    "Lu par l’ancien rapport du compte entier (character-stats), sans les clés : les analyses ne sont pas servies."
)
_MISMATCH: Final = "La somme des lignes ne correspond pas au total d’ElevenLabs."


class ElevenLabs:
    """One ElevenLabs workspace; needs a key with `workspace_analytics_full_read`, and `workspace_read` for names."""

    name = ProviderName.ELEVENLABS
    registry = re.compile(SERVICE_ACCOUNTS)
    explain = staticmethod(explain)

    def headers(self, key: SecretStr) -> Mapping[str, str]:
        """The key under ElevenLabs' own name."""
        return {"xi-api-key": key.get_secret_value()}

    async def collect(self, job: Job) -> SourceReport:
        """Usage analytics, key names; see the package's README for what becomes a record.

        Raises:
            SourceError: No report could be read, or an answer breaks the contract.
        """
        require_reach(job)
        found = await read_figures(job, asked_days(job))
        names = await read_names(job)
        sums = RecordSums()
        sums.add(found.records)
        records = sums.records()
        return SourceReport(
            source=job.source,
            month=job.month,
            read_at=job.now,
            records=records,
            things=name_keys(names.things, found.labels, records),
            coarse=found.coarse,
            gaps=found.gaps,
            remarks=(found.path, *found.remarks, *names.remarks, *_few_keys(names.things, found)),
            row_note=found.note,
            data_until=job.now if job.is_running else None,
            provisional=job.is_settling(SETTLING),
            # How long months are kept is not published: an empty one may be one that is gone.
            empty_proven=False,
            control=found.control,
            days_read=found.days_read,
            dropped=(*found.dropped, *counts(names.notes.dropped)),
            new_fields=found.new_fields,
        )

    async def check(self, job: Job) -> list[CheckResult]:
        """One request each for usage and money, key names, and the plan; one more where usage is billed by cost."""

        def tell_keys(listed: ServiceAccounts) -> str:
            return f"readable, {len(list_things(listed))} keys of service accounts"

        def tell_plan(plan: Subscription) -> str:
            return f"readable, billed in {plan.money.upper() or '(unknown)'}"

        return [
            *await _try_usage(job),
            await try_reading("key names", list_keys(job), CheckStatus.WARNING, tell=tell_keys),
            await try_reading("plan", subscription(job), CheckStatus.WARNING, tell=tell_plan),
        ]


def _few_keys(keys: Sequence[Thing], found: MonthFigures) -> tuple[str, ...]:
    """Whether a key without the right to all usage is refused or is silently shown its own alone is not published."""
    used = {record.api_key for record in found.records}
    if found.coarse or len(keys) < 2 or len(used) > 1:
        return ()
    return (
        f"Sur {len(keys)} clés connues, une au plus a été utilisée : si cela étonne, vérifiez que la clé a le droit "
        "workspace_analytics_full_read.",
    )


async def _try_usage(job: Job) -> list[CheckResult]:
    day = Span(job.month.start, job.month.start + timedelta(days=1))
    try:
        readings = await read_analytics(job, day)
    except NOT_SERVED as error:
        # The statistics of the account are the last resort: that there are any does not say what the key lacks.
        account = await try_reading("usage and cost", account_usage(job, day))
        status = CheckStatus.WARNING if account.status is CheckStatus.OK else CheckStatus.BAD
        return [CheckResult(what="usage and cost", status=status, sentence=error.sentence)]
    except SourceError as error:
        return [CheckResult(what="usage and cost", status=CheckStatus.BAD, sentence=error.sentence)]
    billed = "by cost" if readings[0].report.by_cost else "in credits"
    return [
        CheckResult(what="usage", status=CheckStatus.OK, sentence=f"readable, billed {billed}"),
        _check_money(readings[0]),
    ]


def _check_money(figures: ReportFigures) -> CheckResult:
    foreign = sorted(figures.currencies - {USD})
    if figures.doubts:
        return CheckResult(what="cost", status=CheckStatus.WARNING, sentence=figures.doubts[0].sentence)
    if foreign:
        return CheckResult(what="cost", status=CheckStatus.WARNING, sentence=foreign_money(foreign[0]).sentence)
    if figures.currencies:
        return CheckResult(what="cost", status=CheckStatus.OK, sentence="readable, in USD")
    if figures.records:
        return CheckResult(what="cost", status=CheckStatus.WARNING, sentence=_NO_MONEY_HERE)
    return CheckResult(what="cost", status=CheckStatus.OK, sentence="no usage on the day looked at")


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """What the reports brought; most fields go to the `SourceReport` as they are.

    `note` is for each row and `path` for the source's own: which report answered. `labels` are keys named by a report.
    """

    records: tuple[UsageRecord, ...]
    note: str
    path: str
    gaps: tuple[Gap, ...] = ()
    control: Control | None = None
    days_read: int | None = None
    """All days, where each has a row; None where one has none: a day without usage needs none."""
    coarse: bool = False
    labels: tuple[Thing, ...] = ()
    remarks: tuple[str, ...] = ()
    dropped: tuple[Count, ...] = ()
    new_fields: tuple[Count, ...] = ()


async def read_figures(job: Job, span: Span) -> MonthFigures:
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
    if readings[0].report.by_cost and not readings[0].records:
        # Refused by one report, unknown to the other: an empty month, or usage that only the statistics still know.
        account = await _account(job, span)
        if account is not None and account.records:
            return account
    readings, checked = await _check_total(job, readings)
    found = replace(_from_reports(readings, checked), days_read=_days_read(job, readings))
    return await _with_account_money(job, found, readings)


async def _check_total(job: Job, readings: list[ReportFigures]) -> tuple[list[ReportFigures], TotalCheck]:
    """The readings and their control total; both are read once more before a mismatch is believed."""
    if job.is_running or job.is_settling(SETTLING):
        return readings, TotalCheck()

    async def again() -> tuple[list[ReportFigures], TotalCheck]:
        second = await read_again(job, readings)
        return second, await compare_with_total(job, second)

    first = readings, await compare_with_total(job, readings)
    return await believe_twice(first, lambda read: read[1].differs, again)


def _from_reports(readings: Sequence[ReportFigures], checked: TotalCheck) -> MonthFigures:
    return MonthFigures(
        merge_records(readings),
        _note(readings),
        _path(readings),
        gaps=tuple(_gaps(readings, checked)),
        control=checked.control,
        labels=tuple(label for reading in readings for label in reading.labels),
        remarks=(*filter(None, [checked.remark]), *_note_uncounted(readings)),
        dropped=tuple(count for reading in readings for count in _count_dropped(reading)),
        new_fields=tuple(count for reading in readings for count in reading.new),
    )


def _days_read(job: Job, readings: Sequence[ReportFigures]) -> int | None:
    days = frozenset[date]().union(*(reading.days for reading in readings))
    return len(days) if len(days) == job.month.days else None


def _count_dropped(reading: ReportFigures) -> Iterator[Count]:
    for lost in reading.lost:
        yield Count(what=f"{reading.report.path} : {lost.what}", count=lost.count)
    for doubt in reading.doubts:
        yield Count(what=f"{reading.report.path} : {doubt.what}", count=len(reading.records))


def _note_uncounted(readings: Sequence[ReportFigures]) -> list[str]:
    """What of the figures is not there to be read."""
    without = [r for r in readings if r.records and not r.report.by_cost and not r.counts_requests]
    doubted = any(doubt.what == REQUESTS for reading in readings for doubt in reading.doubts)
    return ["Le rapport des crédits ne compte pas les requêtes."] if without and not doubted else []


async def _with_account_money(job: Job, found: MonthFigures, readings: Sequence[ReportFigures]) -> MonthFigures:
    """Where analytics have no amounts, those of the account beside them: the whole then speaks for the account.

    It does so too where the amounts could not be read this time: rows by key would stand in the way of the account's
    row once they are.
    """
    span = next((r.span for r in readings if r.without_money), None)
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
        records=(*(structs.replace(record, api_key=None) for record in found.records), *money.records),
        note=_ACCOUNT_NOTE,
        gaps=found.gaps if gap is None else (*found.gaps, gap),
        # The total of a part of the days says nothing about the whole.
        control=None,
        coarse=True,
    )


async def _account(job: Job, span: Span) -> MonthFigures | None:
    """The account's statistics; None where they are not served."""
    try:
        usage = await account_usage(job, span)
    except NOT_SERVED:
        return None
    money = await account_money(job, span)
    gap = no_money("ce mois") if money.is_absent and usage else money.gap
    gaps = () if gap is None else (gap,)
    return MonthFigures((*usage, *money.records), _ACCOUNT_NOTE, _ACCOUNT_PATH, gaps=gaps, coarse=True)


def _gaps(readings: Sequence[ReportFigures], checked: TotalCheck) -> list[Gap]:
    currencies = {currency for r in readings if r.records for currency in r.currencies} - {USD}
    gaps = [foreign_money(currency) for currency in sorted(currencies)]
    for reading in readings:
        gaps += [Gap(kind=GapKind.MISSING, sentence=doubt.sentence) for doubt in reading.doubts]
        lost = " ; ".join(f"{lost.what} : {lost.count}" for lost in reading.lost)
        if lost:
            gaps.append(Gap(kind=GapKind.MISSING, sentence=f"Laissé de côté dans {reading.report.what} : {lost}."))
    return [*gaps, *mismatch(checked.control, _MISMATCH)]


def _note(readings: Sequence[ReportFigures]) -> str:
    sentences = [_COST_NOTE if any(reading.currencies for reading in readings) else _CREDITS_NOTE]
    if len(readings) > 1:
        change = readings[0].span.end
        sentences.append(
            f"En crédits jusqu’au {change - timedelta(days=1):%Y-%m-%d}, au coût ensuite : les requêtes et minutes des "
            "clés utilisées avant et après ne sont pas données."
        )
    elif readings[0].report.by_cost:
        sentences.append(_BY_COST_NOTE)
    return " ".join(sentences)


def _path(readings: Sequence[ReportFigures]) -> str:
    currencies = sorted({currency.upper() for r in readings for currency in r.currencies})
    money = f"montants en {', '.join(currencies)}" if currencies else "sans montants"
    return f"Lu par {' et '.join(reading.report.what for reading in readings)}, {money}."

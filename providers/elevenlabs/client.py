"""Which requests ElevenLabs is asked, in which order, and what the answers amount to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import reduce

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
from providers.elevenlabs.tables import Measure
from providers.shared.amounts import USD
from providers.shared.checks import CheckResult, CheckStatus, try_reading
from providers.shared.control import believe_twice, mismatch
from providers.shared.job import Job
from providers.shared.lines import counts
from usage.errors import RefusedError, SourceError
from usage.language.saying import listed, say, say_count, together
from usage.language.sentence import Sentence
from usage.names import ProviderName
from usage.outcomes.report import Control, Count, Gap, GapKind, SourceReport, Thing
from usage.records.record import UsageRecord
from usage.records.sums import RecordSums


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

        def tell_keys(accounts: ServiceAccounts) -> Sentence:
            return say_count(
                "readable, {number} key of a service account",
                "readable, {number} keys of service accounts",
                len(list_things(accounts)),
            )

        def tell_plan(plan: Subscription) -> Sentence:
            return say("readable, billed in {currency}", currency=plan.money.upper() or say("(unknown)"))

        return [
            *await _try_usage(job),
            await try_reading(say("key names"), list_keys(job), CheckStatus.WARNING, tell=tell_keys),
            await try_reading(say("plan"), subscription(job), CheckStatus.WARNING, tell=tell_plan),
        ]


def _few_keys(keys: Sequence[Thing], found: MonthFigures) -> tuple[Sentence, ...]:
    """Whether a key without the right to all usage is refused or is silently shown its own alone is not published."""
    used = {record.api_key for record in found.records}
    if found.coarse or len(keys) < 2 or len(used) > 1:
        return ()
    return (
        say(
            "Of {number} known keys, one at most was used: if that is a surprise, check that the key has the "
            "permission workspace_analytics_full_read.",
            number=len(keys),
        ),
    )


async def _try_usage(job: Job) -> list[CheckResult]:
    day, both = Span(job.month.start, job.month.start + timedelta(days=1)), say("usage and cost")
    try:
        readings = await read_analytics(job, day)
    except NOT_SERVED as error:
        # The statistics of the account are the last resort: that there are any does not say what the key lacks.
        account = await try_reading(both, account_usage(job, day))
        status = CheckStatus.WARNING if account.status is CheckStatus.OK else CheckStatus.BAD
        return [CheckResult(what=both, status=status, sentence=error.sentence)]
    except SourceError as error:
        return [CheckResult(what=both, status=CheckStatus.BAD, sentence=error.sentence)]
    by_cost = readings[0].report.by_cost
    billed = say("readable, billed by cost") if by_cost else say("readable, billed in credits")
    return [
        CheckResult(what=say("usage"), status=CheckStatus.OK, sentence=billed),
        _check_money(readings[0]),
    ]


def _check_money(figures: ReportFigures) -> CheckResult:
    foreign, what = sorted(figures.currencies - {USD}), say("cost")
    if figures.doubts:
        return CheckResult(what=what, status=CheckStatus.WARNING, sentence=figures.doubts[0].sentence)
    if foreign:
        return CheckResult(what=what, status=CheckStatus.WARNING, sentence=foreign_money(foreign[0]).sentence)
    if figures.currencies:
        return CheckResult(what=what, status=CheckStatus.OK, sentence=say("readable, in USD"))
    if figures.records:
        return CheckResult(what=what, status=CheckStatus.WARNING, sentence=_no_money_here())
    return CheckResult(what=what, status=CheckStatus.OK, sentence=say("no usage on the day looked at"))


def _no_money_here() -> Sentence:
    return say(
        "ElevenLabs’ analytics have no amounts here: those of the whole account are looked for in character-stats."
    )


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """What the reports brought; most fields go to the `SourceReport` as they are.

    `note` is for each row and `path` for the source's own: which report answered. `labels` are keys named by a report.
    """

    records: tuple[UsageRecord, ...]
    note: Sentence
    path: Sentence
    gaps: tuple[Gap, ...] = ()
    control: Control | None = None
    days_read: int | None = None
    """All days, where each has a row; None where one has none: a day without usage needs none."""
    coarse: bool = False
    labels: tuple[Thing, ...] = ()
    remarks: tuple[Sentence, ...] = ()
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
            sentence = say("ElevenLabs serves no report on usage: {why}", why=refused.sentence)
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
    path = reading.report.path
    for lost in reading.lost:
        yield Count(what=say("{where}: {what}", where=path, what=lost.what), count=lost.count)
    for doubt in reading.doubts:
        what = say("{where}: {what}", where=path, what=doubt.what.sentence)
        yield Count(what=what, count=len(reading.records))


def _note_uncounted(readings: Sequence[ReportFigures]) -> list[Sentence]:
    """What of the figures is not there to be read."""
    without = [r for r in readings if r.records and not r.report.by_cost and not r.counts_requests]
    doubted = any(doubt.what is Measure.REQUESTS for reading in readings for doubt in reading.doubts)
    return [say("The report in credits does not count the requests.")] if without and not doubted else []


async def _with_account_money(job: Job, found: MonthFigures, readings: Sequence[ReportFigures]) -> MonthFigures:
    """Where analytics have no amounts, those of the account beside them: the whole then speaks for the account.

    It does so too where the amounts could not be read this time: rows by key would stand in the way of the account's
    row once they are.
    """
    span = next((r.span for r in readings if r.without_money), None)
    if span is None:
        return found
    when = say("this month") if len(readings) == 1 else _days_of(span)
    money = await account_money(job, span)
    gap = no_money(when) if money.is_absent else money.gap
    if gap is not None and gap.kind is GapKind.UNAVAILABLE:
        # Amounts in another currency are not worth giving up the keys' rows for.
        return replace(found, gaps=(*found.gaps, money_of_account_only(money.currency) if money.currency else gap))
    keys = {record.api_key for record in found.records} - {None}
    merged_keys = say("{number} keys joined in one row: amounts exist for the whole account only.", number=len(keys))
    return replace(
        found,
        remarks=(*found.remarks, merged_keys) if len(keys) > 1 else found.remarks,
        records=(*(structs.replace(record, api_key=None) for record in found.records), *money.records),
        note=_account_note(),
        gaps=found.gaps if gap is None else (*found.gaps, gap),
        # The total of a part of the days says nothing about the whole.
        control=None,
        coarse=True,
    )


def _days_of(span: Span) -> Sentence:
    last = span.end - timedelta(days=1)
    return say("the days from {first} to {last}", first=span.start.date(), last=last.date())


def _account_note() -> Sentence:
    return say("ElevenLabs gives amounts for the whole account only.")


async def _account(job: Job, span: Span) -> MonthFigures | None:
    """The account's statistics; None where they are not served."""
    try:
        usage = await account_usage(job, span)
    except NOT_SERVED:
        return None
    money = await account_money(job, span)
    gap = no_money(say("this month")) if money.is_absent and usage else money.gap
    gaps = () if gap is None else (gap,)
    path = say(
        "Read from the old report of the whole account (character-stats), without the keys: analytics are not served."
    )
    return MonthFigures((*usage, *money.records), _account_note(), path, gaps=gaps, coarse=True)


def _gaps(readings: Sequence[ReportFigures], checked: TotalCheck) -> list[Gap]:
    currencies = {currency for r in readings if r.records for currency in r.currencies} - {USD}
    gaps = [foreign_money(currency) for currency in sorted(currencies)]
    for reading in readings:
        gaps += [Gap(kind=GapKind.MISSING, sentence=doubt.sentence) for doubt in reading.doubts]
        if reading.lost:
            gaps.append(Gap(kind=GapKind.MISSING, sentence=_left_out(reading)))
    return [*gaps, *mismatch(checked.control, say("The lines do not add up to ElevenLabs’ total."))]


def _left_out(reading: ReportFigures) -> Sentence:
    lost = listed(say("{what}: {count}", what=lost.what, count=str(lost.count)) for lost in reading.lost)
    return say("Left out of {report}: {lost}.", report=reading.report.what, lost=lost)


def _note(readings: Sequence[ReportFigures]) -> Sentence:
    sentences = [
        say("Cost of usage as ElevenLabs gives it, without the subscription, taxes and discounts.")
        if any(reading.currencies for reading in readings)
        else say("Credits as ElevenLabs gives them.")
    ]
    if len(readings) > 1:
        last = readings[0].span.end - timedelta(days=1)
        sentences.append(
            say(
                "In credits until {day}, by cost from then on: requests and minutes of keys that were used before and "
                "after are not given.",
                day=last.date(),
            )
        )
    elif readings[0].report.by_cost:
        sentences.append(say("Billed by cost: ElevenLabs counts neither credits nor requests there."))
    return together(sentences)


def _path(readings: Sequence[ReportFigures]) -> Sentence:
    currencies = sorted({currency.upper() for r in readings for currency in r.currencies})
    reports = reduce(
        lambda one, other: say("{one} and {other}", one=one, other=other), (reading.report.what for reading in readings)
    )
    if currencies:
        return say("Read from {reports}, amounts in {currencies}.", reports=reports, currencies=", ".join(currencies))
    return say("Read from {reports}, without amounts.", reports=reports)

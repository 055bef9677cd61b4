"""The sentences that rows and sources carry: what was read, how sure it is, what is missing and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from usage.language.saying import decimal, say, say_count, together
from usage.language.sentence import SILENCE, Sentence
from usage.money import digits, tell_apart
from usage.month import Month
from usage.names import DEFAULT_ACCOUNT, Source
from usage.outcomes.report import Control, GapKind, SourceReport
from usage.records.allocation import share


def row_log(report: SourceReport, *, has_cost: bool, missing_amounts: int, allocated: Sentence = SILENCE) -> Sentence:
    """Log of one row. It depends on the data alone, so that a second run has nothing to write.

    `allocated` is the sentence on the part of its cost that was divided by usage, if any was.
    """
    is_without_cost = not has_cost and not report.gaps
    return together(
        [
            report.row_note,
            allocated,
            *(note.sentence for note in report.row_notes),
            say("Figures of a {running}.", running=running()) if report.month.is_running(report.read_at) else SILENCE,
            say("The provider publishes no cost for this row.") if is_without_cost else SILENCE,
            _missing_amounts(missing_amounts),
            *(gap.sentence for gap in report.gaps),
        ]
    )


def running() -> Sentence:
    """Stands in the log of every row whose month had not ended when it was read; Notion's views look for it."""
    return say("month in progress")


def describe_share(part: Decimal | None, whole: Decimal | None) -> Sentence:
    """The part of a row's cost that was divided by usage, and how much that is of what was divided (USD)."""
    shared = share(part, whole)
    if part is None or whole is None or not (part or whole):
        return SILENCE
    if shared is None:
        return say("Cost divided by usage: {part} USD that the provider does not give by key.", part=part)
    tenths = shared.scaleb(2).quantize(Decimal("0.1"), ROUND_HALF_UP)
    if part and not tenths:
        return say(
            "Cost divided by usage: less than {percent}% of the {whole} USD that the provider does not give by key, "
            "hence {part} USD.",
            percent=decimal("0.1"),
            whole=whole,
            part=part,
        )
    return say(
        "Cost divided by usage: {percent}% of the {whole} USD that the provider does not give by key, "
        "hence {part} USD.",
        percent=decimal(digits(tenths)),
        whole=whole,
        part=part,
    )


def source_log(report: SourceReport, cost: Decimal | None, rows: int) -> Sentence:
    """The whole story of a source that was read: `rows` of them, which cost so much together (USD)."""
    is_out_of_reach = _is_out_of_reach(report)
    return together(
        [
            SILENCE if is_out_of_reach else _describe_reach(report),
            say("{requests} requests, {pages} pages.", requests=str(report.requests), pages=str(report.pages)),
            SILENCE if is_out_of_reach else _describe_rows(cost, rows),
            _describe_control(report.control),
            _missing_amounts(report.missing_amounts),
            *(gap.sentence for gap in report.gaps),
            *report.remarks,
            rerun_hint(report.source, report.month) if report.missing else SILENCE,
        ]
    )


def failure_log(source: Source, month: Month, sentence: Sentence) -> Sentence:
    """The story of a source that could not be read."""
    return together(
        [
            say("Failed: {why}", why=sentence),
            say("The figures written before remain."),
            rerun_hint(source, month),
        ]
    )


def rerun_hint(source: Source, month: Month) -> Sentence:
    """How to read just this source again."""
    return say("To run it again: {command}.", command=rerun_command(source, month))


def rerun_command(source: Source, month: Month) -> str:
    """The command that reads just this source again."""
    return f"llm-usage collect --month {month} {_only(source)}"


def archived_sentence(source: Source, month: Month, read_at: datetime) -> Sentence:
    """What stands for a month that the provider does not have any more."""
    return say(
        "The reading of {day} is in the archive: the figures remain. To publish them again: {command}.",
        day=read_at,
        command=f"llm-usage replay {month} {_only(source)}",
    )


def _only(source: Source) -> str:
    account = "" if source.account == DEFAULT_ACCOUNT else f" --account {source.account}"
    return f"--provider {source.provider}{account}"


def running_mark(month: Month, now: datetime) -> Sentence:
    """What stands beside a figure that still grows, `in progress, day 28/30`; silent once the month has ended (UTC)."""
    if not month.is_running(now):
        return SILENCE
    return say("in progress, day {day}/{days}", day=(now - month.start).days + 1, days=month.days)


def _is_out_of_reach(report: SourceReport) -> bool:
    """Whether nothing was read because the provider does not offer it: then it is not known that nothing was used."""
    return not report.records and any(gap.kind is GapKind.UNAVAILABLE for gap in report.gaps)


def _describe_reach(report: SourceReport) -> Sentence:
    month, until = report.month, report.data_until
    if until is not None and until < month.end:
        lead = running() if month.is_running(report.read_at) else say("closed month, but provisional")
        if until <= month.start:
            return say("{month}: {lead}, no data yet.", month=month, lead=lead)
        return say("{month}: {lead}, data until {day}.", month=month, lead=lead, day=until - timedelta(microseconds=1))
    # Where the provider gives no days, only what was asked for is known.
    lead = _describe_span(month) if report.days_read is None else _describe_days(report, report.days_read)
    if report.provisional:
        return say("{lead}, provisional: the provider may still correct this month.", lead=lead)
    return say("{lead}.", lead=lead)


def _describe_span(month: Month) -> Sentence:
    return say("Month asked for, from {first} to {last}", first=month.first_day, last=month.last_day)


def _describe_days(report: SourceReport, days: int) -> Sentence:
    read = days_read(days, report.month)
    if report.missing_days:
        return say("{read}; {lack}", read=read, lack=missing_days(report.missing_days, report.month))
    return say("{read}, from {first} to {last}", read=read, first=report.month.first_day, last=report.month.last_day)


def missing_days(days: Sequence[date], month: Month) -> Sentence:
    """Which days are missing, at least one of them: `day 3 is missing`, `day 1, days 5 to 7 are missing`."""
    if len(days) >= month.days:
        return say("the whole month is missing, {first} to {last}", first=month.first_day, last=month.last_day)
    told = together((_run(first, last) for first, last in runs(days)), between=", ")
    return say_count("{days} is missing", "{days} are missing", len(days), days=told)


def _run(first: date, last: date) -> Sentence:
    # Babel's own dates have the month, too; within one, French has an ordinal for the first day alone.
    start = Sentence(en=str(first.day), fr="1er" if first.day == 1 else str(first.day))
    if first == last:
        return say("day {day}", day=start)
    return say("days {first} to {last}", first=start, last=str(last.day))


def runs(days: Iterable[date]) -> list[tuple[date, date]]:
    """Days in order as runs without a hole, each by its first and last."""
    found: list[tuple[date, date]] = []
    for day in days:
        if found and day - found[-1][1] == timedelta(days=1):
            found[-1] = found[-1][0], day
        else:
            found.append((day, day))
    return found


def days_read(days: int, month: Month) -> Sentence:
    """How many days of a month the answers hold: `20 of 31 days read`."""
    return say_count("{number} day of {all} read", "{number} of {all} days read", days, all=month.days)


def _describe_rows(cost: Decimal | None, rows: int) -> Sentence:
    if rows == 0:
        return say("No usage.")
    if cost is None:
        return say_count("{number} row, without an amount in USD.", "{number} rows, without an amount in USD.", rows)
    return say_count("{number} row, {cost} USD.", "{number} rows, {cost} USD.", rows, cost=cost)


def _describe_control(control: Control | None) -> Sentence:
    if control is None:
        return SILENCE
    if control.total == control.summed:
        return say("The provider’s control total: {total} USD, identical.", total=control.total)
    if control.agrees:
        return say("The provider’s control total: {total} USD, identical but for rounding.", total=control.total)
    total, summed = map(decimal, tell_apart(control.total, control.summed))
    return say("Control total: {total} USD, sum of the rows: {sum} USD.", total=total, sum=summed)


def _missing_amounts(count: int) -> Sentence:
    if count == 0:
        return SILENCE
    return say_count("An amount is missing from the answer.", "{number} amounts are missing from the answer.", count)

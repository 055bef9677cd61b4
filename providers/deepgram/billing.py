"""Reads one project's money, held against Deepgram's own total."""

from __future__ import annotations

from dataclasses import replace

from providers.deepgram.days import SETTLING, asked_days
from providers.deepgram.endpoints import BY_KEY_AND_ITEM, UNGROUPED, billing_of
from providers.deepgram.parse import Billing, BreakdownFigures, ProjectFigures, parse_billing
from providers.shared.amounts import cost_of
from providers.shared.control import believe_twice, control, mismatch
from providers.shared.http import Params
from providers.shared.job import Job
from usage.errors import SourceError
from usage.language.saying import say
from usage.language.sentence import SILENCE, Sentence
from usage.outcomes.report import Control, Gap, GapKind


async def read_billing(job: Job, project: str) -> ProjectFigures:
    """A project's US dollars by key and line item, held against the ungrouped total once the month is settled.

    Both are read once more before a mismatch is believed.

    Raises:
        SourceError: The lines could not be read.
    """
    sheet = await _ask(job, project, BY_KEY_AND_ITEM)
    if sheet.records and all(record.cost is None for record in sheet.records):
        gap = Gap(
            kind=GapKind.UNAVAILABLE,
            sentence=say(
                "Deepgram gives no amount in dollars, as to customers under contract: the cost is unknown, not zero."
            ),
        )
        return replace(_table(sheet), records=(), gaps=(gap,))
    if job.is_running or job.is_settling(SETTLING):
        return _table(sheet)

    async def read_again() -> tuple[BreakdownFigures, Control | None, Sentence]:
        try:
            again = await _ask(job, project, BY_KEY_AND_ITEM)
        except SourceError:
            # What was read the first time is not lost for it: it is compared with a total that is read again.
            again = sheet
        return again, *await _control(job, project, again)

    lines, checked, remark = await believe_twice(
        (sheet, *await _control(job, project, sheet)),
        lambda read: read[1] is not None and not read[1].agrees,
        read_again,
    )
    table = _table(lines)
    return replace(
        table,
        checked=checked,
        remarks=(remark,) if remark else (),
        gaps=(
            *table.gaps,
            *mismatch(checked, say("The billing lines do not add up to Deepgram’s total.")),
        ),
    )


def _table(sheet: BreakdownFigures) -> ProjectFigures:
    return ProjectFigures(
        sheet.records, sheet.notes.gaps(say("the costs")), first=sheet.first, days=sheet.days, notes=sheet.notes
    )


async def _control(job: Job, project: str, lines: BreakdownFigures) -> tuple[Control | None, Sentence]:
    """The ungrouped total against the lines; None where there is neither, or no total to be had, and why."""
    try:
        total = await _ask(job, project, UNGROUPED)
    except SourceError as error:
        # The lines themselves were read; without the total they are just not checked.
        return None, say(
            "The billing lines were not compared with Deepgram’s total: {why}",
            why=error.sentence,
        )
    if total.notes.odd or any(record.cost is None for record in total.records):
        return None, say("The billing lines were not compared with Deepgram’s total: it can’t be read.")
    if not total.records and not lines.records:
        return None, SILENCE
    return control(
        cost_of(total.records),
        cost_of(lines.records),
        exact=False,
        written=lines.written,
        of_total=total.written,
    ), SILENCE


async def _ask(job: Job, project: str, grouping: Params) -> BreakdownFigures:
    """The billing breakdown of the month, summed by its groups."""
    path = billing_of(project)
    answer = await job.get(path, [*asked_days(job.month, job.now), *grouping])
    return parse_billing(answer.parse(Billing), project, job.month, path).add_up()

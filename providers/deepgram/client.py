"""Which requests Deepgram is asked, in which order, and what the answers amount to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence

from pydantic import SecretStr

from providers.deepgram.billing import read_billing
from providers.deepgram.days import SETTLING, a_day_of, common_days
from providers.deepgram.endpoints import PROJECTS, billing_of, keys_of, usage_of
from providers.deepgram.parse import Project, ProjectFigures
from providers.deepgram.refusals import explain
from providers.deepgram.registry import list_projects, read_names
from providers.deepgram.usage import read_usage
from providers.shared.amounts import sum_known
from providers.shared.checks import CheckResult, CheckStatus, try_reading
from providers.shared.http import Params
from providers.shared.job import Job
from providers.shared.lines import Notes, counts
from providers.shared.paging import Names
from providers.shared.parts import Part, PartResults, days_gap, read_parts
from usage.errors import SourceError
from usage.language.saying import say
from usage.language.sentence import SILENCE, Sentence
from usage.names import Grain, Kind, ProviderName
from usage.outcomes.report import Control, Gap, GapKind, RowNote, SourceReport, Thing
from usage.records.record import UsageRecord
from usage.records.sums import RecordSums


class Deepgram:
    """Deepgram's management API; needs a key of role `admin` (or the scopes that the README lists)."""

    name = ProviderName.DEEPGRAM
    registry = re.compile(rf"{PROJECTS}(/[^/]+/keys)?")
    explain = staticmethod(explain)

    def headers(self, key: SecretStr) -> Mapping[str, str]:
        """The key after the word `Token`; `Bearer` is for temporary tokens, which these endpoints refuse."""
        return {"Authorization": f"Token {key.get_secret_value()}"}

    async def collect(self, job: Job) -> SourceReport:
        """Money and usage of each project that the key sees; see the package's README for what becomes a record.

        Raises:
            SourceError: The projects could not be listed, none of them could be read, or an answer breaks the contract.
        """
        projects, unlisted = await list_projects(job)
        what, is_one = say("the costs and the usage"), len(projects) == 1
        read = await read_parts(
            [
                Part(
                    _named(what, project.project_id, is_one),
                    _read_project(job, project.project_id, is_one=is_one),
                    apart=True,
                )
                for project in projects
            ]
        )
        tables = [table for table in read.values if table is not None]
        sums = RecordSums()
        sums.add(record for table in tables for record in table.records)
        records = sums.records()
        days = common_days(table.days for table in tables)
        keys = await read_names(job, records) if job.grain is Grain.API_KEY else Names()
        notes = Notes.of_all((unlisted, keys.notes, *(table.notes for table in tables)))
        return SourceReport(
            source=job.source,
            month=job.month,
            read_at=job.now,
            records=records,
            things=(*(Thing(kind=Kind.PROJECT, id=p.project_id, name=p.name) for p in projects), *keys.things),
            gaps=(
                *unlisted.gaps(say("the list of projects")),
                *_unread(projects, read),
                *(gap for table in tables for gap in table.gaps),
            ),
            remarks=(*_remarks(projects, records), *(r for table in tables for r in table.remarks), *keys.remarks),
            row_note=_row_note(),
            row_notes=tuple(
                _note(job, project, table.note)
                for project, table in zip(projects, read.values, strict=True)
                if table is not None and table.note
            ),
            data_until=job.now if job.is_running else None,
            provisional=job.is_settling(SETTLING),
            # Never: old months are empty in the billing breakdown, and nothing tells them from months without cost.
            empty_proven=False,
            control=_control_of(tables),
            days_read=None if days is None else len(days),
            missing_days=() if days is None else job.month.days_without(days),
            dropped=counts(notes.dropped),
            new_fields=counts(notes.new),
        )

    async def check(self, job: Job) -> list[CheckResult]:
        """One request for the projects, then for each its money, its usage and, where rows are keys, its keys.

        A key may have one role in one project and another in the next.
        """
        what = say("projects and their names")
        try:
            projects, _ = await list_projects(job)
        except SourceError as error:
            return [CheckResult(what=what, status=CheckStatus.BAD, sentence=error.sentence)]
        ids, day = [project.project_id for project in projects], a_day_of(job.month)
        tries = [
            try_reading(say("costs"), _ask_each(job, [billing_of(project) for project in ids], day)),
            try_reading(say("usage"), _ask_each(job, [usage_of(project) for project in ids], day)),
        ]
        if job.grain is Grain.API_KEY:
            keys = _ask_each(job, [keys_of(project) for project in ids], [])
            tries.append(try_reading(say("key names"), keys, CheckStatus.WARNING))
        seen = CheckResult(what=what, status=CheckStatus.OK, sentence=say("readable, {number} in all", number=len(ids)))
        return [seen, *await asyncio.gather(*tries)]


def _row_note() -> Sentence:
    return say(
        "Costs: Deepgram’s billing lines, without taxes, subscriptions and commitments. Billable hours, characters and "
        "requests: usage breakdown, by model. Deepgram does not link the two; the tokens are those of the voice agent."
    )


def _named(what: Sentence, project: str, is_one: bool) -> Sentence:
    """What is read of a project, which is named where there are others."""
    return what if is_one else say("{what} of project {project}", what=what, project=project)


async def _read_project(job: Job, project: str, *, is_one: bool) -> ProjectFigures:
    """Money and usage of one project; what could not be read of them are gaps of that project's rows.

    `is_one` is true where the key sees no other.
    """
    read = await read_parts(
        [
            Part(_named(say("the costs"), project, is_one), read_billing(job, project)),
            Part(_named(say("the usage"), project, is_one), read_usage(job, project)),
        ]
    )
    money, usage = read.values
    tables = [table for table in read.values if table is not None]
    days = common_days(table.days for table in tables)
    gaps = [*read.gaps, *(gap for table in tables for gap in table.gaps)]
    if not job.is_running:
        what = _named(say("Deepgram’s answers"), project, is_one)
        gaps += days_gap(job.month, None if days is None else len(days), what=what)
    if money is not None and usage is not None and usage.records and not money.records and not money.gaps:
        gaps.append(Gap(kind=GapKind.UNAVAILABLE, sentence=_no_cost()))
    return ProjectFigures(
        records=tuple(record for table in tables for record in table.records),
        gaps=tuple(gap.model_copy(update={"within": project}) for gap in gaps),
        remarks=(
            *(remark for table in tables for remark in table.remarks),
            *filter(None, [_late_billing(money, usage, None if is_one else project)]),
        ),
        note=_late_billing(money, usage),
        checked=money.checked if money is not None else None,
        days=None if job.is_running else days,
        notes=Notes.of_all(table.notes for table in tables),
    )


def _no_cost() -> Sentence:
    return say("Deepgram gives this month’s usage but no billing line: the cost is unknown, it is not zero.")


def _late_billing(money: ProjectFigures | None, usage: ProjectFigures | None, project: str | None = None) -> Sentence:
    """What there is to say where billing begins after the usage: how far back its data reaches is not published.

    `project` is named where it is given.
    """
    if money is None or usage is None or money.first is None or usage.first is None or usage.first >= money.first:
        return SILENCE
    first, billed = usage.first, money.first
    if project is None:
        return say(
            "Usage begins on {first}, its billing on {billed}: the cost of the days before may be missing.",
            first=first,
            billed=billed,
        )
    return say(
        "Usage begins on {first}, its billing on {billed}: the cost of the days before may be missing for project "
        "{project}.",
        first=first,
        billed=billed,
        project=project,
    )


def _note(job: Job, project: Project, sentence: Sentence) -> RowNote:
    """For the project's row, or for those of its keys."""
    if job.grain is Grain.PROJECT:
        return RowNote(sentence=sentence, key=project.project_id)
    return RowNote(sentence=sentence, workspace=project.project_id)


def _unread(projects: Sequence[Project], read: PartResults[ProjectFigures]) -> Iterable[Gap]:
    """Gaps of the projects of which nothing could be read. The key sees them, so another key or time would bring them,
    also where both breakdowns answer 404: what is not known of a project must not pass for nothing."""
    failed = [project for project, table in zip(projects, read.values, strict=True) if table is None]
    for project, gap in zip(failed, read.gaps, strict=True):
        yield gap.model_copy(update={"within": project.project_id, "kind": GapKind.MISSING})


def _control_of(tables: Sequence[ProjectFigures]) -> Control | None:
    """One comparison for all projects; they agree when each of them does."""
    checked = [table.checked for table in tables if table.checked is not None]
    unchecked = any(table.checked is None and _has_money(table) for table in tables)
    if unchecked or not checked:
        return None
    return Control(
        total=sum_known(one.total for one in checked),
        summed=sum_known(one.summed for one in checked),
        agrees=all(one.agrees for one in checked),
    )


def _has_money(table: ProjectFigures) -> bool:
    return any(record.cost is not None for record in table.records)


def _remarks(projects: Sequence[Project], records: Sequence[UsageRecord]) -> Iterable[Sentence]:
    if len(projects) > 1:
        yield say("The key sees {number} projects.", number=len(projects))
    costs = [record.cost for record in records if record.cost is not None]
    if costs and not any(costs):
        # What contract customers get to see in the billing breakdown is not published.
        yield say("All billing lines are of 0 USD; a contract may be billed outside of this API.")


async def _ask_each(job: Job, paths: Sequence[str], params: Params) -> None:
    """Ask for the least that shows whether the key may read these paths."""
    for path in paths:
        await job.get(path, params)

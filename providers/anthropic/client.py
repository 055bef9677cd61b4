"""Which requests Anthropic is asked, in which order, and what the answers amount to."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace
from pydantic import SecretStr

from providers.anthropic.days import is_provisional, newer_reports_reach
from providers.anthropic.endpoints import API_KEYS, ORGANIZATION, VERSION, WORKSPACES
from providers.anthropic.parse import Organization
from providers.anthropic.refusals import explain
from providers.anthropic.registry import organization_of, read_names, read_organization
from providers.anthropic.reports import (
    NEWER,
    OLDER,
    MonthFigures,
    ReportFormat,
    instead_of_newer,
    is_refusal,
    read_figures,
    try_report,
)
from providers.shared.amounts import foreign_gaps, rounded_amounts
from providers.shared.answers import Answer
from providers.shared.checks import CheckResult, CheckStatus, try_reading
from providers.shared.control import without_missing_amounts
from providers.shared.job import Job
from providers.shared.lines import Notes, counts
from providers.shared.parts import days_gap
from usage.errors import SourceError
from usage.grain import is_bracketed
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.names import ProviderName
from usage.outcomes.report import Gap, RowNote, SourceReport
from usage.records.sums import RecordSums

log = logging.getLogger(__name__)


class Anthropic:
    """Anthropic's Admin API; needs an admin key (`sk-ant-admin01-…`), which has no scopes."""

    name = ProviderName.ANTHROPIC
    registry = re.compile(f"{WORKSPACES}|{API_KEYS}|{ORGANIZATION}")

    def headers(self, key: SecretStr) -> Mapping[str, str]:
        """The key, and the version of the API; the reports add or change what they need."""
        return {
            "x-api-key": key.get_secret_value(),
            "anthropic-version": VERSION,
            # The vendor asks integrations to say who they are.
            "User-Agent": "llm-usage",
        }

    def explain(self, answer: Answer) -> SourceError | None:
        """By the refusal's code and text: see `refusals`. The request's id is what support asks for."""
        log.info("%s: HTTP %s, request-id %s", answer.path, answer.status, answer.headers.get("request-id", "none"))
        return explain(answer)

    async def collect(self, job: Job) -> SourceReport:
        """Costs, usage, names; see the package's README for what becomes a record.

        Raises:
            SourceError: Neither costs nor usage could be read, or costs break the contract.
        """
        figures = await read_figures(job)
        names = await read_names(job, figures.records, coarse=figures.pair.coarse)
        sums = RecordSums()
        sums.add(replace(r, workspace=r.workspace or names.default_workspace) for r in figures.records)
        records, refreshed = sums.records(), figures.refreshed_at
        running, provisional = job.is_running, is_provisional(job, refreshed)
        records, free = without_missing_amounts(records, figures.control, say("Anthropic’s"))
        at_least = _requests_at_least(job, figures)
        notes = Notes.of_all(one.notes for _, one in figures.reports)
        return SourceReport(
            source=job.source,
            month=job.month,
            read_at=job.now,
            records=records,
            things=names.things,
            coarse=figures.pair.coarse,
            gaps=(*figures.gaps, *_gaps(job, figures), *foreign_gaps(records, _about_foreign)),
            remarks=(
                *figures.remarks,
                *free,
                *rounded_amounts(report.rounded for _, report in figures.reports),
                *dict.fromkeys(note.sentence for note in at_least),
                *names.remarks,
                *(_reach(refreshed) if provisional else ()),
            ),
            row_note=figures.pair.row_note(),
            row_notes=at_least,
            data_until=min(refreshed or job.now, job.now) if running else None,
            provisional=provisional,
            # The older reports have no such time, and how long they keep a month is not published.
            empty_proven=refreshed is not None and refreshed >= job.month.end,
            control=figures.control,
            organisation=await organization_of(job),
            days_read=next((report.days for _, report in figures.reports), None),
            missing_days=next((() if running else report.missing_days for _, report in figures.reports), ()),
            fresh_until=refreshed,
            dropped=counts(notes.dropped),
            new_fields=counts(notes.new),
        )

    async def check(self, job: Job) -> list[CheckResult]:
        """One request each for the organization, costs, usage and the names of workspaces and keys.

        Where the newer reports are refused, the older ones are tried: one request more for each.
        """
        return list(
            await asyncio.gather(
                # The job does without; keys that only read reports can't tell.
                try_reading(
                    say("organization"),
                    read_organization(job),
                    CheckStatus.WARNING,
                    tell=_tell_organization,
                ),
                _try_report(job, say("costs"), NEWER.costs, OLDER.costs),
                _try_report(job, say("usage"), NEWER.usage, OLDER.usage),
                *(
                    try_reading(what, job.get(path, [("limit", "1")]), CheckStatus.WARNING)
                    for what, path in ((say("workspace names"), WORKSPACES), (say("key names"), API_KEYS))
                ),
            )
        )


def _tell_organization(found: Organization) -> Sentence:
    if not found.name:
        return say("admin key of an organization without a name")
    return say("admin key of {organization}", organization=found.name)


def _about_foreign(_currencies: str) -> Sentence:
    return say("Some costs are in another currency than the dollar; they are not counted in USD.")


def _requests_at_least(job: Job, figures: MonthFigures) -> tuple[RowNote, ...]:
    """A note for rows of which some usage is counted in requests and some is not: sign-ins without a key."""
    if figures.usage is None:
        return ()
    rule = ProviderName.ANTHROPIC.spec.grains.rule(job.grain, coarse=figures.pair.coarse)
    counted = {record.row_under(rule) for record in figures.usage.records if record.requests}
    both = counted & {record.row_under(rule) for record in figures.usage.uncounted}
    sentence = say("Requests: at least so many; Anthropic does not count them for a part of the usage.")
    return tuple(
        # A key's row holds its work in all workspaces.
        RowNote(sentence=sentence, key=key, workspace=workspace if is_bracketed(key or "") else None)
        for key, workspace in sorted(both, key=str)
    )


def _gaps(job: Job, figures: MonthFigures) -> Iterable[Gap]:
    """What reports that were read lack: days that did not come, lines that can't be read."""
    for what, report in figures.reports:
        if not job.is_running:
            yield from days_gap(job.month, report.days, what=what)
        yield from report.notes.gaps(what)


def _reach(refreshed: datetime | None) -> tuple[Sentence, ...]:
    if refreshed is None:
        return ()
    return (say("Anthropic’s data goes to {instant} UTC.", instant=f"{refreshed.astimezone(UTC):%Y-%m-%d %H:%M}"),)


async def _try_report(job: Job, what: Sentence, newer: ReportFormat[Any], older: ReportFormat[Any]) -> CheckResult:
    """Try a newer report; where it is refused or does not reach, the older one."""
    if newer_reports_reach(job.month, job.now):
        try:
            await try_report(job, newer)
        except SourceError as error:
            if not is_refusal(error):
                return CheckResult(what=what, status=CheckStatus.BAD, sentence=error.sentence)
            found = await try_reading(what, try_report(job, older))
            if found.status is CheckStatus.BAD:
                return found
            return CheckResult(what=what, status=CheckStatus.WARNING, sentence=instead_of_newer(error))
        return CheckResult(what=what, status=CheckStatus.OK, sentence=say("readable"))
    return await try_reading(what, try_report(job, older), tell=lambda _: say("readable, by workspace only"))

"""Which requests OpenAI is asked, in which order, and what the answers amount to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from pydantic import SecretStr

from providers.openai.allocating import Allocated, allocate_costs
from providers.openai.costs import Checked, check_total, read_costs
from providers.openai.days import SETTLING, cost_spans, usage_span
from providers.openai.endpoints import COSTS, FAMILIES, PROJECTS
from providers.openai.joining import join_reports
from providers.openai.refusals import explain
from providers.openai.registry import read_names
from providers.openai.reports import ReportFigures, read_usage
from providers.shared.amounts import foreign_gaps, rounded_amounts
from providers.shared.checks import CheckResult, CheckStatus, try_reading
from providers.shared.control import mismatch, without_missing_amounts
from providers.shared.job import Job
from providers.shared.lines import Notes, counts
from providers.shared.parts import Part, PartResults, days_gap, read_parts
from usage.errors import CredentialError
from usage.language.saying import say, together
from usage.language.sentence import Sentence
from usage.names import Grain, ProviderName
from usage.outcomes.report import Gap, GapKind, SourceReport


class OpenAI:
    """OpenAI's organization API; needs an admin key with `api.usage.read`."""

    name = ProviderName.OPENAI
    registry = re.compile(rf"{PROJECTS}(/[^/]+/api_keys)?")
    explain = staticmethod(explain)

    def headers(self, key: SecretStr) -> Mapping[str, str]:
        """The key as bearer token."""
        return {"Authorization": f"Bearer {key.get_secret_value()}"}

    async def collect(self, job: Job) -> SourceReport:
        """Costs, all usage families, names; see the package's README for what becomes a record.

        Raises:
            SourceError: Neither costs nor usage could be read, or costs break the contract.
        """
        read = await _read(job)
        costs, *usage = read.values
        running = job.is_running
        provisional = job.is_settling(SETTLING)
        checked = Checked(costs)
        if costs is not None and not running and not provisional:
            checked = await check_total(job, costs)
            costs = checked.costs
        allocated = None
        if costs is not None:
            allocated = allocate_costs(costs, [figures for figures in usage if figures], read.gaps)
            costs = allocated.costs
        seen = [figures for figures in (costs, *usage) if figures is not None]
        records, row_notes = join_reports(job, costs, [figures for figures in usage if figures], read)
        records, free = without_missing_amounts(records, checked.control, say("OpenAI’s"))
        names = await read_names(job, records, dict(costs.names) if costs else {})
        # Where costs were not read, the report with the most days tells how much of the month there is.
        days = costs.days if costs is not None else max((figures.days for figures in seen), key=len)
        organisations = {an_id for figures in seen for an_id in figures.organisations}
        notes = Notes.of_all(figures.notes for figures in seen)
        return SourceReport(
            source=job.source,
            month=job.month,
            read_at=job.now if job.together is None else job.together.read_at(job.now),
            records=records,
            things=names.things,
            coarse=costs is not None and not costs.by_key and job.grain is Grain.API_KEY,
            gaps=(
                *read.gaps,
                *_gaps(job, costs, usage),
                *mismatch(checked.control, say("The sum of the cost lines does not match OpenAI’s total.")),
                *foreign_gaps(records, _about_foreign),
            ),
            remarks=(
                *([checked.remark] if checked.remark else []),
                *(_key_remarks(job, allocated)),
                *free,
                *rounded_amounts(figures.rounded for figures in seen),
                *names.remarks,
                *([say("The key reads the other reports.")] * read.refused),
            ),
            row_note=say(
                "Costs: OpenAI’s costs report, without taxes and credits. Tokens and requests: usage reports."
            ),
            row_notes=(*row_notes, *(allocated.row_notes if allocated else ())),
            data_until=job.now if running else None,
            provisional=provisional,
            empty_proven=not running and costs is not None and len(costs.days) >= job.month.days,
            control=checked.control,
            organisation=organisations.pop() if len(organisations) == 1 else None,
            days_read=len(days),
            missing_days=() if running else job.month.days_without(days),
            dropped=counts(notes.dropped),
            new_fields=counts(notes.new),
        )

    async def check(self, job: Job) -> list[CheckResult]:
        """One request each for costs, usage and project names."""
        least = ("limit", "1")
        return list(
            await asyncio.gather(
                try_reading(say("costs"), job.get(COSTS, [*cost_spans(job)[0].params, least])),
                try_reading(say("usage"), job.get(FAMILIES[0].path, [*usage_span(job).params, least])),
                try_reading(say("project names"), job.get(PROJECTS, [least]), CheckStatus.WARNING),
            )
        )


async def _read(job: Job) -> PartResults[ReportFigures]:
    """Costs, then the usage families.

    Raises:
        SourceError: None of them could be read, or costs break the contract.
    """
    parts = [
        Part(say("the costs"), read_costs(job)),
        *(Part(family.what(), read_usage(job, family), optional=True) for family in FAMILIES),
    ]
    try:
        return await read_parts(parts)
    except CredentialError as error:
        if error.status != 403:
            raise
        sentence = say(
            "OpenAI refuses all reports to this key ({why}). It takes an admin key (sk-admin-…) with the right "
            "api.usage.read.",
            why=Sentence(en=error.sentence.en.rstrip("."), fr=error.sentence.fr.rstrip(".")),
        )
        raise CredentialError(sentence, status=error.status) from None


def _about_foreign(currencies: str) -> Sentence:
    return say(
        "OpenAI gives amounts in {currencies}; they are kept apart and not counted in USD.", currencies=currencies
    )


def _gaps(job: Job, costs: ReportFigures | None, usage: Sequence[ReportFigures | None]) -> Iterable[Gap]:
    """What reports that were read lack: days out of reach, days that did not come, lines that can't be read."""
    begins: dict[date, list[Sentence]] = {}
    reports = (say("the costs"), *(family.what() for family in FAMILIES))
    for what, figures in zip(reports, (costs, *usage), strict=True):
        if figures is None:
            continue
        if figures.begins is not None:
            begins.setdefault(figures.begins, []).append(what)
        if not job.is_running and (figures.days or figures is costs):
            out_of_reach = (figures.begins - job.month.first_day).days if figures.begins else 0
            yield from days_gap(job.month, len(figures.days), out_of_reach=out_of_reach, what=what)
        yield from figures.notes.gaps(what)
    for day, whats in begins.items():
        sentence = say(
            "OpenAI reaches back only to {day} for {reports}: there is nothing before.",
            day=day,
            reports=together(whats, between=", "),
        )
        yield Gap(kind=GapKind.UNAVAILABLE, sentence=sentence)


def _key_remarks(job: Job, allocated: Allocated | None) -> tuple[Sentence, ...]:
    """What rows of keys have to say of costs that are told by project."""
    if allocated is None or job.grain is not Grain.API_KEY:
        return ()
    costs, divided = allocated.costs, allocated.remark
    if costs.keys_from is None:
        if costs.by_key and not divided:
            return ()
        what = say("those of projects are {divided}", divided=divided) if divided else say("the rows are by project")
        return (say("OpenAI refuses costs by key to this account: {what}.", what=what),)
    if divided:
        before = say("those before, by project, are {divided}", divided=divided)
    elif costs.by_key:
        before = say("those before are without a key, by project")
    else:
        before = say("the rows of this month are by project")
    return (say("OpenAI gives costs by key only from {day} on: {before}.", day=costs.keys_from, before=before),)

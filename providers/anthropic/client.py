"""Which requests Anthropic is asked, in which order, and what the answers amount to."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import SecretStr

from providers.anthropic.endpoints import API_KEYS, ORGANIZATION, VERSION, WORKSPACES, newer_reports_reach
from providers.anthropic.parse import Organization
from providers.anthropic.refusals import explain
from providers.anthropic.registry import list_one, organization_of, read_registry
from providers.anthropic.reports import (
    NEWER,
    OLDER,
    OLDER_INSTEAD,
    Figures,
    Reader,
    is_provisional,
    is_refusal,
    read_figures,
    try_report,
)
from providers.base import Finding, Job, Verdict
from providers.shared.http import Answer
from providers.shared.lines import Notes, counts
from providers.shared.parts import days_gap
from usage.errors import SourceError
from usage.grain import is_bracketed
from usage.names import ProviderName
from usage.outcomes.report import Control, Gap, GapKind, RowNote, SourceReport
from usage.records.record import UsageRecord, cost_unit
from usage.records.sums import MonthSums

log = logging.getLogger(__name__)

_AT_LEAST: Final = "Requêtes : au moins ce nombre ; Anthropic n’en compte pas pour une partie de l’usage."


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
        registry = await read_registry(job, figures.records, coarse=figures.pair.coarse)
        sums = MonthSums(job.source)
        sums.add(replace(r, workspace=r.workspace or registry.default_workspace) for r in figures.records)
        records, refreshed = sums.records(), figures.refreshed_at
        running, provisional = job.month.is_running(job.now), is_provisional(job, refreshed)
        if free := _is_free(records, figures.control):
            records = tuple(replace(record, missing_amounts=0) for record in records)
        at_least, notes = _requests_at_least(job, figures), _notes(figures)
        return SourceReport(
            source=job.source,
            month=job.month,
            read_at=job.now,
            records=records,
            things=registry.things,
            coarse=figures.pair.coarse,
            gaps=(*figures.gaps, *_gaps(job, figures), *_foreign(records)),
            remarks=(
                *figures.remarks,
                *free,
                *_rounded(figures),
                *dict.fromkeys(note.sentence for note in at_least),
                *registry.remarks,
                *(_reach(refreshed) if provisional else ()),
            ),
            row_note=figures.pair.row_note,
            row_notes=at_least,
            data_until=min(refreshed or job.now, job.now) if running else None,
            provisional=provisional,
            # The older reports have no such time, and how long they keep a month is not published.
            empty_proven=refreshed is not None and refreshed >= job.month.end,
            control=figures.control,
            requests=job.http.requests,
            organisation=await organization_of(job),
            days_read=next((reading.days for _, reading in figures.readings), None),
            dropped=counts(notes.dropped),
            new_fields=counts(notes.new),
        )

    async def check(self, job: Job) -> list[Finding]:
        """One request each for the organization, costs, usage and the names of workspaces and keys.

        Where the newer reports are refused, the older ones are tried: one request more for each.
        """
        return list(
            await asyncio.gather(
                _try_organization(job),
                _try_report(job, "costs", NEWER.costs, OLDER.costs),
                _try_report(job, "usage", NEWER.usage, OLDER.usage),
                _try_names(job, "workspace names", WORKSPACES),
                _try_names(job, "key names", API_KEYS),
            )
        )


def _requests_at_least(job: Job, figures: Figures) -> tuple[RowNote, ...]:
    """A note for rows of which some usage is counted in requests and some is not: sign-ins without a key."""
    if figures.usage is None:
        return ()
    rule = ProviderName.ANTHROPIC.spec.grains.rule(job.grain, coarse=figures.pair.coarse)
    counted = {record.row_under(rule) for record in figures.usage.records if record.requests}
    both = counted & {record.row_under(rule) for record in figures.usage.uncounted}
    return tuple(
        # A key's row holds its work in all workspaces.
        RowNote(sentence=_AT_LEAST, key=key, workspace=workspace if is_bracketed(key or "") else None)
        for key, workspace in sorted(both, key=str)
    )


def _is_free(records: Iterable[UsageRecord], checked: Control | None) -> tuple[str, ...]:
    """A remark where lines without an amount are shown to cost nothing by a total that agrees without them."""
    lines = sum(record.missing_amounts for record in records)
    if not lines or checked is None or not checked.agrees:
        return ()
    which = "Une ligne est" if lines == 1 else f"{lines} lignes sont"
    return (f"{which} sans montant ; le total d’Anthropic montre que rien n’y manque.",)


def _notes(figures: Figures) -> Notes:
    notes = Notes()
    for _, reading in figures.readings:
        notes.add(reading.notes)
    return notes


def _rounded(figures: Figures) -> tuple[str, ...]:
    amounts = sum(reading.rounded for _, reading in figures.readings)
    return (f"Montants arrondis à la 38e décimale : {amounts}.",) if amounts else ()


def _gaps(job: Job, figures: Figures) -> Iterable[Gap]:
    """What reports that were read lack: days that did not come, lines that can't be read."""
    for what, reading in figures.readings:
        if not job.month.is_running(job.now):
            yield from days_gap(job.month, reading.days, what=what)
        yield from reading.notes.gaps(what)


def _reach(refreshed: datetime | None) -> tuple[str, ...]:
    return (f"Données d’Anthropic jusqu’au {refreshed.astimezone(UTC):%Y-%m-%d %H:%M} UTC.",) if refreshed else ()


def _foreign(records: Iterable[UsageRecord]) -> list[Gap]:
    if not any(unit.startswith(cost_unit("")) for record in records for unit, _ in record.units):
        return []
    sentence = "Des coûts sont dans une autre devise que le dollar ; ils ne sont pas comptés en USD."
    return [Gap(kind=GapKind.UNAVAILABLE, sentence=sentence)]


async def _try_organization(job: Job) -> Finding:
    """Which organization the key belongs to. The job does without; keys that only read reports can't tell."""
    what = "organization"
    try:
        organization = (await job.http.get(ORGANIZATION)).parse(Organization)
    except SourceError as error:
        return Finding(what=what, verdict=Verdict.WARNING, sentence=error.sentence)
    return Finding(what=what, verdict=Verdict.OK, sentence=f"admin key of {organization.name or 'an unnamed one'}")


async def _try_report(job: Job, what: str, newer: Reader[Any], older: Reader[Any]) -> Finding:
    if not newer_reports_reach(job.month, job.now):
        return await _try_older(job, what, older)
    try:
        await try_report(job, newer)
    except SourceError as error:
        if not is_refusal(error):
            return Finding(what=what, verdict=Verdict.BAD, sentence=error.sentence)
        found = await _try_older(job, what, older)
        if found.verdict is Verdict.BAD:
            return found
        return Finding(what=what, verdict=Verdict.WARNING, sentence=f"{error.sentence} {OLDER_INSTEAD}")
    return Finding(what=what, verdict=Verdict.OK, sentence="readable")


async def _try_older(job: Job, what: str, older: Reader[Any]) -> Finding:
    try:
        await try_report(job, older)
    except SourceError as error:
        return Finding(what=what, verdict=Verdict.BAD, sentence=error.sentence)
    return Finding(what=what, verdict=Verdict.OK, sentence="readable, by workspace only")


async def _try_names(job: Job, what: str, path: str) -> Finding:
    try:
        await list_one(job, path)
    except SourceError as error:
        return Finding(what=what, verdict=Verdict.WARNING, sentence=error.sentence)
    return Finding(what=what, verdict=Verdict.OK, sentence="readable")

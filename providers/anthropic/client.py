"""Which requests Anthropic is asked, in which order, and what the answers amount to."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import SecretStr

from providers.anthropic.endpoints import API_KEYS, ORGANIZATION, VERSION, WORKSPACES, newer_reports_reach
from providers.anthropic.parse import Organization
from providers.anthropic.registry import list_one, read_registry
from providers.anthropic.reports import (
    NEWER,
    OLDER,
    OLDER_INSTEAD,
    Reader,
    is_refusal,
    read_figures,
    try_report,
)
from providers.base import Finding, Job, Verdict
from providers.http import Answer
from usage.errors import CredentialError, SourceError
from usage.names import ProviderName
from usage.records import UsageRecord, cost_unit
from usage.report import Gap, GapKind, SourceReport
from usage.sums import MonthSums

log = logging.getLogger(__name__)

_SETTLING: Final = timedelta(days=1)
"""Data may come this late: a month is provisional until it goes that far past the month's end."""


class Anthropic:
    """Anthropic's Admin API; needs an admin key (`sk-ant-admin01-…`), which has no scopes."""

    name = ProviderName.ANTHROPIC
    registry = re.compile(f"{WORKSPACES}|{API_KEYS}")

    def headers(self, key: SecretStr) -> Mapping[str, str]:
        """The key, and the version of the API; the reports add or change what they need."""
        return {
            "x-api-key": key.get_secret_value(),
            "anthropic-version": VERSION,
            # The vendor asks integrations to say who they are.
            "User-Agent": "llm-usage",
        }

    def explain(self, answer: Answer) -> SourceError | None:
        """401 and 403 alike are what a key of the wrong kind may get; the request's id is what support asks for."""
        log.info("%s: HTTP %s, request-id %s", answer.path, answer.status, answer.headers.get("request-id", "none"))
        if answer.status not in (401, 403):
            return None
        return CredentialError(
            f"Anthropic refuse la clé sur {answer.path} (HTTP {answer.status}) : il faut une clé d’administration "
            "(sk-ant-admin01-…) valide.",
            status=answer.status,
        )

    async def collect(self, job: Job) -> SourceReport:
        """Costs, usage, names; see the package's README for what becomes a record.

        Raises:
            SourceError: Neither costs nor usage could be read, or an answer breaks the contract.
        """
        figures = await read_figures(job)
        registry = await read_registry(job, figures.records, coarse=figures.pair.coarse)
        sums = MonthSums(job.source)
        sums.add(replace(r, workspace=r.workspace or registry.default_workspace) for r in figures.records)
        records, refreshed = sums.records(), figures.refreshed_at
        running = job.month.is_running(job.now)
        provisional = not running and (refreshed or job.now) < job.month.end + _SETTLING
        return SourceReport(
            source=job.source,
            month=job.month,
            read_at=job.now,
            records=records,
            things=registry.things,
            coarse=figures.pair.coarse,
            gaps=(*figures.gaps, *_foreign(records)),
            remarks=(*figures.remarks, *registry.remarks, *(_reach(refreshed) if provisional else ())),
            row_note=figures.pair.row_note,
            data_until=min(refreshed or job.now, job.now) if running else None,
            provisional=provisional,
            # The older reports have no such time, and how long they keep a month is not published.
            empty_proven=refreshed is not None and refreshed >= job.month.end,
            control=figures.control,
            requests=job.http.requests,
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

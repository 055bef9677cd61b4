"""Which requests Deepgram is asked, in which order, and what the answers amount to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from pydantic import SecretStr

from providers.base import Finding, Job, Verdict
from providers.deepgram.endpoints import EXPIRED, PROJECTS, a_day_of, billing_of, keys_of, usage_of
from providers.deepgram.parse import ApiKeys, Project, Projects
from providers.deepgram.refusals import explain
from providers.deepgram.tables import Table, is_settling, read_money
from providers.deepgram.usages import read_usage
from providers.shared.http import Answer, Params
from providers.shared.lines import Notes, counts
from providers.shared.parts import Part, Read, days_gap, read_parts
from usage.errors import CredentialError, SourceError
from usage.money import exact_sum
from usage.names import Grain, Kind, ProviderName
from usage.outcomes.report import Control, Gap, GapKind, RowNote, SourceReport, Thing
from usage.records.record import UsageRecord
from usage.records.sums import MonthSums

ROW_NOTE: Final = (
    "Coûts : lignes de facturation de Deepgram, hors taxes, abonnements et engagements. Heures facturables, caractères "
    "et requêtes : relevé d’usage, par modèle. Deepgram ne relie pas les deux ; les jetons sont ceux de l’agent vocal."
)
_NO_COST: Final = (
    "Deepgram donne l’usage de ce mois mais aucune ligne de facturation : le coût est inconnu, il n’est pas nul."
)
_PROJECTS: Final = "la liste des projets"


class Deepgram:
    """Deepgram's management API; needs a key of role `admin` (or the scopes that the README lists)."""

    name = ProviderName.DEEPGRAM
    registry = re.compile(f"{PROJECTS}|{keys_of('[^/]+')}")

    def headers(self, key: SecretStr) -> Mapping[str, str]:
        """The key after the word `Token`; `Bearer` is for temporary tokens, which these endpoints refuse."""
        return {"Authorization": f"Token {key.get_secret_value()}"}

    def explain(self, answer: Answer) -> SourceError | None:
        """Wrong key, missing scope or another project's key: see `refusals`."""
        return explain(answer)

    async def collect(self, job: Job) -> SourceReport:
        """Money and usage of each project that the key sees; see the package's README for what becomes a record.

        Raises:
            SourceError: The projects could not be listed, none of them could be read, or an answer breaks the contract.
        """
        listed = await _projects(job)
        projects = listed.projects
        suffixes = [f" du projet {project.project_id}" if len(projects) > 1 else "" for project in projects]
        read = await read_parts(
            [
                Part(f"les coûts et l’usage{suffix}", _read_project(job, project.project_id, suffix), apart=True)
                for project, suffix in zip(projects, suffixes, strict=True)
            ]
        )
        tables = [table for table in read.values if table is not None]
        sums = MonthSums(job.source)
        sums.add(record for table in tables for record in table.records)
        records = sums.records()
        keys = await _keys(job, records) if job.grain is Grain.API_KEY else _Names()
        notes = Notes()
        for one in (listed.notes, keys.notes, *(table.notes for table in tables)):
            notes.add(one)
        return SourceReport(
            source=job.source,
            month=job.month,
            read_at=job.now,
            records=records,
            things=(*(Thing(kind=Kind.PROJECT, id=p.project_id, name=p.name) for p in projects), *keys.things),
            gaps=(
                *listed.notes.gaps(_PROJECTS),
                *_unread(projects, read),
                *(gap for table in tables for gap in table.gaps),
            ),
            remarks=(*_remarks(projects, records), *(r for table in tables for r in table.remarks), *keys.remarks),
            row_note=ROW_NOTE,
            row_notes=tuple(
                _note(job, project, table.note)
                for project, table in zip(projects, read.values, strict=True)
                if table is not None and table.note
            ),
            data_until=job.now if job.month.is_running(job.now) else None,
            provisional=is_settling(job),
            # Never: old months are empty in the billing breakdown, and nothing tells them from months without cost.
            empty_proven=False,
            control=_control_of(tables),
            requests=job.http.requests,
            days_read=min((table.days for table in tables if table.days is not None), default=None),
            dropped=counts(notes.dropped),
            new_fields=counts(notes.new),
        )

    async def check(self, job: Job) -> list[Finding]:
        """One request for the projects, then for each its money, its usage and, where rows are keys, its keys.

        A key may have one role in one project and another in the next.
        """
        try:
            projects = (await _projects(job)).projects
        except SourceError as error:
            return [Finding(what="projects and their names", verdict=Verdict.BAD, sentence=error.sentence)]
        day = a_day_of(job.month)
        ids = [project.project_id for project in projects]
        tries = [
            _try(job, "costs", Verdict.BAD, [billing_of(project) for project in ids], day),
            _try(job, "usage", Verdict.BAD, [usage_of(project) for project in ids], day),
        ]
        if job.grain is Grain.API_KEY:
            tries.append(_try(job, "key names", Verdict.WARNING, [keys_of(project) for project in ids], []))
        seen = Finding(what="projects and their names", verdict=Verdict.OK, sentence=f"readable, {len(ids)} in all")
        return [seen, *await asyncio.gather(*tries)]


@dataclass(frozen=True, slots=True)
class _Listed:
    projects: list[Project]
    notes: Notes


@dataclass(frozen=True, slots=True)
class _Names:
    things: tuple[Thing, ...] = ()
    remarks: tuple[str, ...] = ()
    notes: Notes = field(default_factory=Notes)


async def _projects(job: Job) -> _Listed:
    answer = await job.http.get(PROJECTS)
    job.on_page()
    lines, notes = answer.parse(Projects).projects, Notes()
    notes.take(lines, PROJECTS)
    notes.refuse_if_nothing_is_left(PROJECTS)
    projects = list({project.project_id: project for project in lines}.values())
    if not projects:
        raise CredentialError("La clé Deepgram ne voit aucun projet : créez dans le projet une clé de rôle admin.")
    return _Listed(projects, notes)


async def _read_project(job: Job, project: str, suffix: str) -> Table:
    """Money and usage of one project; what could not be read of them are gaps of that project's rows."""
    read = await read_parts(
        [
            Part(f"les coûts{suffix}", read_money(job, project)),
            Part(f"l’usage{suffix}", read_usage(job, project)),
        ]
    )
    money, usage = read.values
    tables = [table for table in read.values if table is not None]
    days = min((table.days for table in tables if table.days is not None), default=None)
    gaps = [*read.gaps, *(gap for table in tables for gap in table.gaps)]
    if not job.month.is_running(job.now):
        gaps += days_gap(job.month, days, what=f"les réponses de Deepgram{suffix}")
    if money is not None and usage is not None and usage.records and not money.records and not money.gaps:
        gaps.append(Gap(kind=GapKind.UNAVAILABLE, sentence=_NO_COST))
    notes = Notes()
    for table in tables:
        notes.add(table.notes)
    late = _late_billing(money, usage)
    return Table(
        records=tuple(record for table in tables for record in table.records),
        gaps=tuple(gap.model_copy(update={"within": project}) for gap in gaps),
        remarks=(*(remark for table in tables for remark in table.remarks), *([late + suffix + "."] if late else [])),
        note=f"{late}." if late else "",
        checked=money.checked if money is not None else None,
        days=None if job.month.is_running(job.now) else days,
        notes=notes,
    )


def _late_billing(money: Table | None, usage: Table | None) -> str:
    """What there is to say where billing begins after the usage: how far back its data reaches is not published."""
    if money is None or usage is None or money.first is None or usage.first is None or usage.first >= money.first:
        return ""
    first, billed = usage.first, money.first
    return f"L’usage commence le {first}, sa facturation le {billed} : il peut manquer le coût des jours d’avant"


def _note(job: Job, project: Project, sentence: str) -> RowNote:
    """For the project's row, or for those of its keys."""
    if job.grain is Grain.PROJECT:
        return RowNote(sentence=sentence, key=project.project_id)
    return RowNote(sentence=sentence, workspace=project.project_id)


def _unread(projects: Sequence[Project], read: Read[Table]) -> Iterable[Gap]:
    """Gaps of the projects of which nothing could be read. The key sees them, so another key or time would bring them,
    also where both breakdowns answer 404: what is not known of a project must not pass for nothing."""
    failed = [project for project, table in zip(projects, read.values, strict=True) if table is None]
    for project, gap in zip(failed, read.gaps, strict=True):
        yield gap.model_copy(update={"within": project.project_id, "kind": GapKind.MISSING})


def _control_of(tables: Sequence[Table]) -> Control | None:
    """One comparison for all projects; they agree when each of them does."""
    checked = [table.checked for table in tables if table.checked is not None]
    unchecked = any(table.checked is None and _has_money(table) for table in tables)
    if unchecked or not checked:
        return None
    return Control(
        total=exact_sum(one.total for one in checked) or Decimal(0),
        summed=exact_sum(one.summed for one in checked) or Decimal(0),
        agrees=all(one.agrees for one in checked),
    )


def _has_money(table: Table) -> bool:
    return any(record.cost is not None for record in table.records)


def _remarks(projects: Sequence[Project], records: Sequence[UsageRecord]) -> Iterable[str]:
    if len(projects) > 1:
        yield f"La clé voit {len(projects)} projets."
    costs = [record.cost for record in records if record.cost is not None]
    if costs and not any(costs):
        # What contract customers get to see in the billing breakdown is not published.
        yield "Toutes les lignes de facturation sont à 0 USD ; un contrat peut facturer hors de cette API."


async def _keys(job: Job, records: Iterable[UsageRecord]) -> _Names:
    """Names of the keys of the projects that have figures. Ids do where names can't be read."""
    used: dict[str, set[str]] = {}
    for record in records:
        if record.project and record.api_key:
            used.setdefault(record.project, set()).add(record.api_key)
    things: list[Thing] = []
    remarks: list[str] = []
    notes = Notes()
    for project, keys in used.items():
        try:
            things += await _keys_of(job, project, keys, notes)
        except SourceError as error:
            remarks.append(f"Les noms des clés n’ont pas pu être lus, leurs identifiants les remplacent : {error}")
    return _Names(tuple(things), tuple(remarks), notes)


async def _keys_of(job: Job, project: str, used: set[str], notes: Notes) -> list[Thing]:
    """A project's keys, the expired ones too where the list lacks one that was used."""
    found = await _list_keys(job, project, [], notes)
    if used - found.keys():
        found.update(await _list_keys(job, project, EXPIRED, notes))
    return list(found.values())


async def _list_keys(job: Job, project: str, params: Params, notes: Notes) -> dict[str, Thing]:
    answer = await job.http.get(keys_of(project), params)
    job.on_page()
    lines = answer.parse(ApiKeys).api_keys
    # A key that can't be read lacks its name, and nothing else.
    for what, count in lines.odd.items():
        notes.drop(keys_of(project), what, count)
    keys = [owned.api_key for owned in lines]
    return {key.api_key_id: Thing(kind=Kind.API_KEY, id=key.api_key_id, name=key.comment) for key in keys}


async def _try(job: Job, what: str, verdict: Verdict, paths: Sequence[str], params: Params) -> Finding:
    """Ask for the least that shows whether the key may read these paths."""
    try:
        for path in paths:
            await job.http.get(path, params)
    except SourceError as error:
        return Finding(what=what, verdict=verdict, sentence=error.sentence)
    return Finding(what=what, verdict=Verdict.OK, sentence="readable")

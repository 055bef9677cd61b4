"""All workspaces of an account, and what belongs to none of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from providers.base import Job
from providers.openrouter.endpoints import WORKSPACES
from providers.openrouter.labels import at_home, told_apart
from providers.openrouter.parse import Line
from providers.openrouter.query import Analytics
from providers.openrouter.total import compare
from providers.openrouter.workspaces import (
    Content,
    Listed,
    Unfound,
    list_workspaces,
    read_account,
    read_deleted,
    read_workspace,
    refused_in_part,
)
from providers.shared.parts import Part, gap_of, read_parts
from usage.errors import CredentialError, NotOfferedError, SourceError
from usage.names import Kind
from usage.outcomes.report import Gap, Thing
from usage.records.record import UsageRecord


@dataclass(frozen=True, slots=True)
class Figures:
    """What was read of all workspaces, how far it goes, what was left out of it and what is new in it."""

    records: tuple[UsageRecord, ...]
    things: tuple[Thing, ...]
    gaps: tuple[Gap, ...]
    remarks: tuple[str, ...]
    complete: bool
    """False when a workspace that exists is missing."""
    until: datetime
    dropped: Mapping[str, int]
    new: Mapping[str, int]


async def read_figures(job: Job, total: Sequence[Line] | None) -> Figures:
    """All workspaces, and what belongs to none of them where the total leaves room for it or is not known."""
    analytics = Analytics(job)
    try:
        listed = await list_workspaces(job)
    except NotOfferedError:
        # An account without workspaces. Where nothing is served at this address, the figures will tell.
        parts, gaps = [await read_account(analytics)], []
    except CredentialError as error:
        if total is None:
            raise
        gaps = [gap_of("la liste des espaces de travail", refused_in_part(WORKSPACES, error))]
        # There may be several: without their ids, the names in the figures tell them apart.
        parts = [await read_deleted(analytics, [])]
    else:
        parts, gaps = await _of_workspaces(analytics, listed, total)
    named = told_apart([record for part in parts for record in part.records])
    dropped = Counter(analytics.notes.dropped)
    for part in parts:
        dropped.update(part.dropped)
    return Figures(
        records=named.records,
        things=(*(thing for part in parts for thing in part.things), *named.things),
        gaps=(*gaps, *(gap for part in parts for gap in part.gaps), *analytics.notes.gaps("les chiffres")),
        remarks=tuple(dict.fromkeys(remark for part in parts for remark in part.remarks)),
        complete=all(part.complete for part in parts),
        until=analytics.until,
        dropped=dropped,
        new=analytics.notes.new,
    )


async def _of_workspaces(
    analytics: Analytics, listed: Listed, total: Sequence[Line] | None
) -> tuple[list[Content], list[Gap]]:
    """Each workspace, and what lies outside of those that could be asked for by their ids."""
    workspaces = listed.workspaces
    read = await read_parts(
        [Part(f"l’espace de travail {item.id}", read_workspace(analytics, item), apart=True) for item in workspaces]
    )
    found = [value for value in read.values if value is not None]
    lost = [item.id for item, value in zip(workspaces, read.values, strict=True) if value is None]
    gaps = [gap.model_copy(update={"within": item}) for item, gap in zip(lost, read.gaps, strict=True)]
    unfound = [value.unfound for value in found if value.unfound is not None]
    records = [record for value in found for record in value.records]
    names = Content(
        things=tuple(Thing(kind=Kind.WORKSPACE, id=item.id, name=item.name) for item in workspaces),
        dropped=listed.dropped,
        complete=not lost,
    )
    parts = [names, *found]
    if total is None or unfound or (not lost and not compare(total, records).agrees):
        away = {one.workspace.id for one in unfound}
        parts.append(await _outside(analytics, [item.id for item in workspaces if item.id not in away], unfound))
    return parts, gaps


async def _outside(analytics: Analytics, workspaces: Sequence[str], unfound: Sequence[Unfound]) -> Content:
    """What belongs to none of these workspaces: to deleted ones, or to some that no filter finds."""
    try:
        rest = await read_deleted(analytics, workspaces)
    except SourceError as error:
        gaps = tuple(
            gap_of(f"l’espace de travail {one.workspace.id}", error).model_copy(update={"within": one.workspace.id})
            for one in unfound
        )
        # Every other workspace was read. On a closed month the total tells whether this lacks anything.
        remark = f"Les espaces de travail supprimés n’ont pas pu être lus : {error.sentence}"
        return Content(gaps=gaps, remarks=() if gaps else (remark,), complete=not gaps)
    records = rest.records
    for one in unfound:
        records = tuple(at_home(record, one.workspace.name, one.workspace.id, one.keys) for record in records)
    existing = {one.workspace.id for one in unfound}
    remarks = []
    if any(record.workspace not in existing for record in records):
        remarks.append("De l’usage vient d’espaces de travail supprimés ; il est compté sous leur nom.")
    if unfound:
        remarks.append(
            f"OpenRouter n’a pas retrouvé {len(unfound)} espace(s) de travail par leur identifiant : leur usage est "
            "compté d’après leur nom."
        )
    return Content(records=records, remarks=tuple(remarks))

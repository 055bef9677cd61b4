"""Names of workspaces and keys, and which workspace is the default one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from providers.anthropic.endpoints import API_KEYS, ORGANIZATION, REGISTRY_LIMIT, WORKSPACES
from providers.anthropic.parse import Named, NamedPage, Organization, next_registry_page
from providers.shared.http import Params
from providers.shared.job import Job
from providers.shared.paging import Names, read_registry
from usage.errors import RefusedError, SourceError
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.names import Kind
from usage.outcomes.report import Thing
from usage.records.record import UsageRecord

_ARCHIVED: Final = ("include_archived", "true")
_DEFAULT: Final = ("include_default", "true")


@dataclass(frozen=True, slots=True)
class NamesAndDefault(Names):
    """Names, and the default workspace; it is looked for only where records need it."""

    default_workspace: str | None = None


async def read_names(job: Job, records: Sequence[UsageRecord], *, coarse: bool) -> NamesAndDefault:
    """Names of all workspaces and keys, archived ones too; ids do where names can't be read, however that fails.

    Args:
        job: The job.
        records: What names are needed for.
        coarse: True when the records come from the older reports, which write the default workspace as null.
    """
    things: list[Thing] = []
    remarks: list[Sentence] = []
    default: str | None = None
    try:
        workspaces, default = await _workspaces(job, find_default=coarse and any(not r.workspace for r in records))
        things += _things(Kind.WORKSPACE, workspaces)
    except SourceError as error:
        remarks.append(
            say("The names of the workspaces could not be read; the ids stand for them: {why}", why=error.sentence)
        )
    try:
        things += _things(Kind.API_KEY, await _keys(job, {r.api_key for r in records if r.api_key}))
    except SourceError as error:
        remarks.append(
            say("The names of the keys could not be read; the ids stand for them: {why}", why=error.sentence)
        )
    return NamesAndDefault(tuple(things), tuple(remarks), default_workspace=default)


async def read_organization(job: Job) -> Organization:
    """The organization behind the key.

    Raises:
        SourceError: It can't be read.
    """
    return (await job.get(ORGANIZATION)).parse(Organization)


async def organization_of(job: Job) -> str | None:
    """Id of the organization behind the key; None where it can't be read: some keys read reports alone."""
    try:
        return (await read_organization(job)).id or None
    except SourceError:
        return None


async def _workspaces(job: Job, *, find_default: bool) -> tuple[list[Named], str | None]:
    """All workspaces, and the id of the default one if it is asked for and can be told.

    No field marks the default workspace: it is the one that is listed on demand only.
    """
    try:
        everything = await _list(job, WORKSPACES, [_ARCHIVED, _DEFAULT])
    except RefusedError:
        # Whether every version of the API knows `include_default` is not documented.
        return await _list(job, WORKSPACES, [_ARCHIVED]), None
    if not find_default:
        return everything, None
    ordinary = {workspace.id for workspace in await _list(job, WORKSPACES, [_ARCHIVED])}
    extra = [workspace.id for workspace in everything if workspace.id not in ordinary]
    return everything, extra[0] if len(extra) == 1 else None


async def _keys(job: Job, used: set[str]) -> list[Named]:
    keys = await _list(job, API_KEYS, [])
    if used - {key.id for key in keys} and not any(key.status == "archived" for key in keys):
        # Whether the list holds archived keys unless they are asked for is not documented; deleted ones it never holds.
        keys += await _list(job, API_KEYS, [("status", "archived")])
    return keys


async def _list(job: Job, path: str, params: Params) -> list[Named]:
    def ask_after(an_id: str | None) -> Params:
        return [("limit", REGISTRY_LIMIT), *params, *([("after_id", an_id)] if an_id else [])]

    pages = await read_registry(job, path, ask_after, NamedPage, next_registry_page)
    return [item for page in pages for item in page.data]


def _things(kind: Kind, items: Sequence[Named]) -> list[Thing]:
    return [Thing(kind=kind, id=item.id, name=item.name) for item in {item.id: item for item in items}.values()]

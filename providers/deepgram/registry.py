"""Deepgram's projects, without which nothing can be asked for, and the names of their keys."""

from __future__ import annotations

from collections.abc import Iterable

from providers.deepgram.endpoints import EXPIRED, PROJECTS, keys_of
from providers.deepgram.parse import ApiKeys, Project, Projects
from providers.shared.http import Params
from providers.shared.job import Job
from providers.shared.lines import Notes
from providers.shared.paging import Names
from usage.errors import CredentialError, SourceError
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.names import Kind
from usage.outcomes.report import Thing
from usage.records.record import UsageRecord


async def list_projects(job: Job) -> tuple[list[Project], Notes]:
    """All projects that the key sees, and what of their list could not be read.

    Raises:
        SourceError: They can't be listed, or there is none.
    """
    answer = await job.get(PROJECTS)
    lines, notes = answer.parse(Projects).projects, Notes()
    notes.take(lines, PROJECTS)
    notes.refuse_if_nothing_is_left(PROJECTS)
    projects = list({project.project_id: project for project in lines}.values())
    if not projects:
        raise CredentialError(say("The Deepgram key sees no project: create a key of role admin in the project."))
    return projects, notes


async def read_names(job: Job, records: Iterable[UsageRecord]) -> Names:
    """Names of the keys of the projects that have figures. Ids do where names can't be read."""
    used: dict[str, set[str]] = {}
    for record in records:
        if record.project and record.api_key:
            used.setdefault(record.project, set()).add(record.api_key)
    things: list[Thing] = []
    remarks: list[Sentence] = []
    notes = Notes()
    for project, keys in used.items():
        try:
            things += await _read_keys(job, project, keys, notes)
        except SourceError as error:
            remarks.append(
                say("The names of the keys could not be read, their ids stand for them: {why}", why=error.sentence)
            )
    return Names(tuple(things), tuple(remarks), notes)


async def _read_keys(job: Job, project: str, used: set[str], notes: Notes) -> list[Thing]:
    """A project's keys, the expired ones too where the list lacks one that was used."""
    found = await _list_keys(job, project, [], notes)
    if used - found.keys():
        found.update(await _list_keys(job, project, EXPIRED, notes))
    return list(found.values())


async def _list_keys(job: Job, project: str, params: Params, notes: Notes) -> dict[str, Thing]:
    answer = await job.get(keys_of(project), params)
    lines = answer.parse(ApiKeys).api_keys
    # A key that can't be read lacks its name, and nothing else.
    for what, count in lines.odd.items():
        notes.drop(keys_of(project), what, count)
    keys = [owned.api_key for owned in lines]
    return {key.api_key_id: Thing(kind=Kind.API_KEY, id=key.api_key_id, name=key.comment) for key in keys}

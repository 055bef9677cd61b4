"""Names of OpenAI's projects and API keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from providers.openai.endpoints import PROJECTS, keys_of
from providers.openai.joining import list_some
from providers.openai.parse import Named, NamedPage, next_registry_page
from providers.shared.http import Params
from providers.shared.job import Job
from providers.shared.paging import Names, read_registry
from usage.errors import CredentialError, NotOfferedError, SourceError
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.names import Grain, Kind
from usage.outcomes.report import Thing
from usage.records.record import UsageRecord

_ARCHIVED: Final = ("include_archived", "true")
_SHOWN: Final = 3


async def read_names(job: Job, records: Iterable[UsageRecord], told: Mapping[str, str]) -> Names:
    """Names of projects, archived ones too, and of keys where a row is a key; and remarks where they can't be read.

    Names never cost a figure, however their lists fail.

    Args:
        job: The job.
        records: Whose keys are named.
        told: Names of projects that cost lines told; they serve where the list of projects does not.
    """
    records = tuple(records)
    remarks: list[Sentence] = []
    refused = False
    names: dict[str, str | None] = dict(told)
    try:
        names |= {item.id: item.name or told.get(item.id) for item in await _list(job, PROJECTS, [_ARCHIVED])}
    except SourceError as error:
        refused = isinstance(error, CredentialError)
        remarks.append(_without_names(error, told))
    things = [Thing(kind=Kind.PROJECT, id=an_id, name=name) for an_id, name in names.items()]
    if job.grain is Grain.API_KEY and not refused:
        keys, failed = await _keys(job, records)
        things += keys
        remarks += _unread(failed)
    return Names(tuple(things), tuple(remarks))


async def _keys(job: Job, records: Iterable[UsageRecord]) -> tuple[list[Thing], dict[str, SourceError]]:
    """Keys of the projects that occur; and the projects whose keys could not be read, each of which costs its own."""
    things: list[Thing] = []
    failed: dict[str, SourceError] = {}
    for project in sorted({record.project for record in records if record.project and record.api_key}):
        try:
            # Without this parameter some enabled keys are left out.
            keys = await _list(job, keys_of(project), [("owner_project_access", "any")])
        except SourceError as error:
            failed[project] = error
        else:
            things += [Thing(kind=Kind.API_KEY, id=item.id, name=item.name) for item in keys]
    return things, failed


def _without_names(error: SourceError, told: Mapping[str, str]) -> Sentence:
    if told:
        return say(
            "The names of the projects could not be read; the names in cost lines, else the ids, stand for them: {why}",
            why=error.sentence,
        )
    return say("The names of the projects could not be read; the ids stand for them: {why}", why=error.sentence)


def _unread(failed: Mapping[str, SourceError]) -> list[Sentence]:
    if not failed:
        return []
    sentence = say(
        "The names of the keys of {projects} could not be read; the ids stand for them: {why}",
        projects=list_some(list(failed), _SHOWN),
        why=next(iter(failed.values())).sentence,
    )
    return [sentence]


async def _list(job: Job, path: str, params: Params) -> list[Named]:
    def ask_after(an_id: str | None) -> Params:
        return [("limit", "100"), *params, *([("after", an_id)] if an_id else [])]

    try:
        pages = await read_registry(job, path, ask_after, NamedPage, next_registry_page)
    except NotOfferedError:
        # A project that was deleted has no list of keys.
        return []
    return [item for page in pages for item in page.data]

"""Names of OpenAI's projects and API keys."""

from __future__ import annotations

from collections.abc import Iterable

from providers.base import Job
from providers.http import Params
from providers.openai.endpoints import PROJECTS, project_keys
from providers.openai.parse import Named, NamedPage, registry_turn
from providers.paging import Pages, read_pages
from usage.errors import ContractError, NotOfferedError, SourceError
from usage.names import Grain, Kind
from usage.records import UsageRecord
from usage.report import Thing


async def read_names(job: Job, records: Iterable[UsageRecord]) -> tuple[tuple[Thing, ...], tuple[str, ...]]:
    """Names of projects, archived ones too, and of keys where a row is a key; and a remark where they can't be read.

    Raises:
        ContractError: An answer is not what OpenAI promises.
    """
    things: list[Thing] = []
    try:
        projects = await _registry(job, PROJECTS, [("include_archived", "true")])
        things += [Thing(kind=Kind.PROJECT, id=item.id, name=item.name) for item in projects]
        if job.grain is Grain.API_KEY:
            for project in sorted({record.project for record in records if record.project and record.api_key}):
                # Without this parameter some enabled keys are left out.
                keys = await _registry(job, project_keys(project), [("owner_project_access", "any")])
                things += [Thing(kind=Kind.API_KEY, id=item.id, name=item.name) for item in keys]
    except ContractError:
        raise
    except SourceError as error:
        remark = f"Les noms n’ont pas tous pu être lus, les identifiants les remplacent : {error.sentence}"
        return tuple(things), (remark,)
    return tuple(things), ()


async def _registry(job: Job, path: str, params: Params) -> list[Named]:
    async def ask(token: str | None) -> NamedPage:
        answer = await job.http.get(path, [("limit", "100"), *params, *([("after", token)] if token else [])])
        job.on_page()
        return answer.parse(NamedPage)

    try:
        sink = await read_pages(ask, registry_turn, Pages[NamedPage], where=path)
    except NotOfferedError:
        # A project that was deleted has no list of keys.
        return []
    return [item for page in sink.pages for item in page.data]

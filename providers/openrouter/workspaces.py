"""Reading workspaces: their list, the keys and figures of each, and what belongs to deleted ones."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from providers.base import Job
from providers.openrouter.endpoints import (
    BY_KEY_AND_MODEL,
    BY_MODEL,
    BY_WORKSPACE_AND_KEY,
    KEYS,
    WORKSPACES,
    keys_of,
    workspaces_from,
)
from providers.openrouter.labels import is_doubtful, outside, owners, remainder, unlisted_key
from providers.openrouter.parse import (
    Key,
    KeyPage,
    Placed,
    Workspace,
    WorkspacePage,
    keys_turn,
    workspaces_turn,
)
from providers.openrouter.query import Analytics, Filter, Question
from providers.paging import Pages, read_pages
from providers.parts import gap_of
from usage.errors import CredentialError, NotOfferedError, RefusedError, TransientError
from usage.money import exact_sum
from usage.names import Kind
from usage.records import UsageRecord
from usage.report import Gap, Thing


@dataclass(frozen=True, slots=True)
class Content:
    """What was read of one or several workspaces."""

    records: tuple[UsageRecord, ...] = ()
    things: tuple[Thing, ...] = ()
    gaps: tuple[Gap, ...] = ()
    remarks: tuple[str, ...] = ()
    complete: bool = True
    """False when a workspace that exists is missing."""


async def list_workspaces(job: Job) -> list[Workspace]:
    """All workspaces that exist.

    Raises:
        SourceError: They can't be read; without their ids no figure can be asked for.
    """

    async def ask(offset: str | None) -> Placed[WorkspacePage]:
        answer = await job.http.get(WORKSPACES, workspaces_from(offset))
        job.on_page()
        return Placed(int(offset or 0), answer.parse(WorkspacePage))

    sink = await read_pages(ask, workspaces_turn, Pages[Placed[WorkspacePage]], where=WORKSPACES)
    # A workspace made meanwhile moves the others on: one may be listed twice.
    return list({item.id: item for placed in sink.pages for item in placed.page.data}.values())


async def read_workspace(analytics: Analytics, workspace: str) -> Content:
    """The keys of a workspace and what they used.

    Raises:
        SourceError: Keys or figures could not be read.
    """
    keys, gaps = await _keys(analytics.job, workspace)
    inside = Filter(field="workspace", operator="eq", value=workspace)
    hashes = tuple(key.hash for key in keys)
    question = Question.of(analytics.job.month, BY_KEY_AND_MODEL, inside, keys=hashes)
    by_name: dict[str | None, list[UsageRecord]] = defaultdict(list)
    for line in await analytics.ask(question):
        by_name[line.key].append(line.figures)
    records: list[UsageRecord] = []
    for name, figures in by_name.items():
        bearers = owners(keys, name) if name else ()
        spent = exact_sum(record.cost for record in figures)
        if len(bearers) > 1 or any(is_doubtful(key, analytics.job.month, spent) for key in bearers):
            records += await _by_hash(analytics, inside, name, bearers, figures)
        else:
            records += _given_to(bearers[0].hash if bearers else unlisted_key(name), figures)
    return Content(
        records=tuple(replace(record, workspace=workspace) for record in records),
        things=tuple(Thing(kind=Kind.API_KEY, id=key.hash, name=key.shown or None) for key in keys),
        gaps=tuple(gap.model_copy(update={"within": workspace}) for gap in gaps),
    )


async def read_deleted(analytics: Analytics, workspaces: Sequence[str]) -> Content:
    """What belongs to none of these workspaces: nothing as a rule, else the past of deleted ones."""
    others = (Filter(field="workspace", operator="not_in", value=tuple(workspaces)),) if workspaces else ()
    month = analytics.job.month
    try:
        by_model = await analytics.ask(Question.of(month, BY_KEY_AND_MODEL, *others))
        by_workspace = await analytics.ask(Question.of(month, BY_WORKSPACE_AND_KEY, *others)) if by_model else []
    except (RefusedError, TransientError) as error:
        # Every workspace that exists was read. On a closed month the total tells whether this lacks anything.
        return Content(remarks=(f"Les espaces de travail supprimés n’ont pas pu être lus : {error.sentence}",))
    if not by_model:
        return Content()
    remark = "De l’usage vient d’espaces de travail supprimés ; il est compté sous leur nom."
    return Content(records=tuple(outside(by_model, by_workspace)), remarks=(remark,))


async def _keys(job: Job, workspace: str) -> tuple[list[Key], list[Gap]]:
    """All keys of a workspace; none, and a gap, where they are refused: their names stand in the figures all the same.

    Raises:
        TransientError: They can't be read just now. Names in place of ids would make rows of their own.
    """

    async def ask(offset: str | None) -> Placed[KeyPage]:
        answer = await job.http.get(KEYS, keys_of(workspace, offset))
        job.on_page()
        return Placed(int(offset or 0), answer.parse(KeyPage))

    try:
        sink = await read_pages(ask, keys_turn, Pages[Placed[KeyPage]], where=KEYS)
    except (CredentialError, NotOfferedError, RefusedError) as error:
        return [], [gap_of("les identifiants des clés", error)]
    return list({key.hash: key for placed in sink.pages for key in placed.page.data}.values()), []


async def _by_hash(
    analytics: Analytics, inside: Filter, name: str | None, bearers: Sequence[Key], figures: Sequence[UsageRecord]
) -> list[UsageRecord]:
    """A name's figures, asked for once more key by key; what no key explains was a deleted key's."""
    month = analytics.job.month
    answers = await asyncio.gather(
        *(
            analytics.ask(
                Question.of(month, BY_MODEL, inside, Filter(field="api_key_id", operator="eq", value=key.hash))
            )
            for key in bearers
        )
    )
    records = [
        record
        for key, answer in zip(bearers, answers, strict=True)
        for record in _given_to(key.hash, [line.figures for line in answer])
    ]
    return [*records, *_given_to(unlisted_key(name), remainder(figures, records))]


def _given_to(key: str | None, figures: Iterable[UsageRecord]) -> list[UsageRecord]:
    return [replace(record, api_key=key) for record in figures]

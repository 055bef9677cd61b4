"""Reading workspaces: their list, the keys and figures of each, and what belongs to deleted ones."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from providers.openrouter.endpoints import BY_KEY_AND_MODEL, BY_MODEL, BY_WORKSPACE_AND_KEY, WORKSPACES
from providers.openrouter.labels import (
    bring_home,
    is_doubtful,
    name_unlisted,
    owners,
    place_outside,
    remainder,
    unlisted_key,
)
from providers.openrouter.parse import Key, Line, Workspace
from providers.openrouter.query import Analytics, Filter, Question, UnappliedFilterError
from providers.openrouter.refusals import explain_partial_refusal
from providers.openrouter.registry import ListedWorkspaces, list_keys, list_workspaces
from providers.openrouter.total import compare
from providers.shared.job import Job
from providers.shared.parts import Part, gap_of, read_parts
from usage.errors import CredentialError, NotOfferedError, SourceError
from usage.language.saying import say, say_count
from usage.language.sentence import Sentence
from usage.money import exact_sum
from usage.names import Kind
from usage.outcomes.report import Gap, Thing
from usage.records.record import UsageRecord


@dataclass(frozen=True, slots=True)
class WorkspaceFigures:
    """What was read of one or several workspaces."""

    records: tuple[UsageRecord, ...] = ()
    things: tuple[Thing, ...] = ()
    gaps: tuple[Gap, ...] = ()
    remarks: tuple[Sentence, ...] = ()
    complete: bool = True
    """False when a workspace that exists is missing."""
    dropped: Mapping[Sentence, int] = field(default_factory=dict)
    """Entries of the registries that could not be read."""
    unfound: UnfoundWorkspace | None = None


@dataclass(frozen=True, slots=True)
class UnfoundWorkspace:
    """A workspace that is listed, but that no filter finds, and its keys."""

    workspace: Workspace
    keys: tuple[Key, ...]


async def read_workspace(analytics: Analytics, workspace: Workspace) -> WorkspaceFigures:
    """The keys of a workspace and what they used.

    Raises:
        SourceError: Keys or figures could not be read.
    """
    keys = await list_keys(analytics.job, workspace.id)
    inside = (Filter(field="workspace", operator="eq", value=workspace.id),)
    try:
        records, remarks = await _figures(analytics, inside, keys.keys)
    except UnappliedFilterError:
        return WorkspaceFigures(
            things=keys.things, dropped=keys.dropped, unfound=UnfoundWorkspace(workspace, keys.keys)
        )
    return WorkspaceFigures(
        records=tuple(replace(record, workspace=workspace.id) for record in records),
        things=keys.things,
        gaps=tuple(gap.model_copy(update={"within": workspace.id}) for gap in keys.gaps),
        remarks=remarks,
        dropped=keys.dropped,
    )


async def read_account(analytics: Analytics) -> WorkspaceFigures:
    """An account as a whole, where it has no list of workspaces.

    Raises:
        SourceError: Keys or figures could not be read.
    """
    keys = await list_keys(analytics.job, None)
    records, remarks = await _figures(analytics, (), keys.keys)
    homes = {key.workspace_id for key in keys.keys}
    home = next(iter(homes)) if len(homes) == 1 else None
    return WorkspaceFigures(
        records=tuple(replace(record, workspace=home) for record in records),
        things=(*([Thing(kind=Kind.WORKSPACE, id=home)] if home else []), *keys.things),
        gaps=keys.gaps,
        remarks=remarks,
        dropped=keys.dropped,
    )


async def read_deleted(analytics: Analytics, workspaces: Sequence[str]) -> WorkspaceFigures:
    """What belongs to none of these workspaces: nothing as a rule, else the past of deleted ones.

    Raises:
        SourceError: It could not be read.
    """
    others = (Filter(field="workspace", operator="not_in", value=tuple(workspaces)),) if workspaces else ()
    month = analytics.job.month
    by_model = await analytics.ask(Question.of(month, BY_KEY_AND_MODEL, *others))
    by_workspace = await analytics.ask(Question.of(month, BY_WORKSPACE_AND_KEY, *others)) if by_model else []
    return WorkspaceFigures(records=tuple(place_outside(by_model, by_workspace)))


async def _figures(
    analytics: Analytics, inside: tuple[Filter, ...], keys: Sequence[Key]
) -> tuple[list[UsageRecord], tuple[Sentence, ...]]:
    """Usage within a filter, given to keys, and what there is to say about it."""
    month = analytics.job.month
    question = Question.of(month, BY_KEY_AND_MODEL, *inside, keys=tuple(key.hash for key in keys))
    by_name: dict[str | None, list[UsageRecord]] = defaultdict(list)
    for line in await analytics.ask(question):
        by_name[line.key].append(line.figures)
    records: list[UsageRecord] = []
    unfound = 0
    for name, figures in by_name.items():
        bearers = owners(keys, name) if name else ()
        spent = exact_sum(record.cost for record in figures)
        if len(bearers) > 1 or any(is_doubtful(key, month, spent) for key in bearers):
            found, lost = await _by_hash(analytics, inside, name, bearers, figures)
            records += found
            unfound += lost
        else:
            records += _give_to(bearers[0].hash if bearers else unlisted_key(name), figures)
    if not unfound:
        return records, ()
    remark = say_count(
        "OpenRouter did not find {number} key by its hash: its usage stays under its name, without a key.",
        "OpenRouter did not find {number} keys by their hashes: their usage stays under their names, without a key.",
        unfound,
    )
    return records, (remark,)


async def _by_hash(
    analytics: Analytics,
    inside: tuple[Filter, ...],
    name: str | None,
    bearers: Sequence[Key],
    figures: Sequence[UsageRecord],
) -> tuple[list[UsageRecord], int]:
    """A name's figures, asked for once more key by key, and how many keys were not found.

    What no key explains was a deleted key's, or one's that was not found.
    """
    answers = await asyncio.gather(*(_of_key(analytics, inside, key) for key in bearers))
    records = [
        record
        for key, answer in zip(bearers, answers, strict=True)
        for record in _give_to(key.hash, [line.figures for line in answer or ()])
    ]
    rest = _give_to(unlisted_key(name), remainder(figures, records))
    return [*records, *rest], sum(answer is None for answer in answers)


async def _of_key(analytics: Analytics, inside: tuple[Filter, ...], key: Key) -> list[Line] | None:
    """One key's usage; None where the filter does not find the key."""
    one = Filter(field="api_key_id", operator="eq", value=key.hash)
    try:
        return await analytics.ask(Question.of(analytics.job.month, BY_MODEL, *inside, one))
    except UnappliedFilterError:
        return None


def _give_to(key: str | None, figures: Iterable[UsageRecord]) -> list[UsageRecord]:
    return [replace(record, api_key=key) for record in figures]


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """What was read of all workspaces, how far it goes, what was left out of it and what is new in it."""

    records: tuple[UsageRecord, ...]
    things: tuple[Thing, ...]
    gaps: tuple[Gap, ...]
    remarks: tuple[Sentence, ...]
    complete: bool
    """False when a workspace that exists is missing."""
    until: datetime
    dropped: Mapping[Sentence, int]
    new: Mapping[str, int]


async def read_figures(job: Job, total: Sequence[Line] | None) -> MonthFigures:
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
        gaps = [gap_of(say("the list of workspaces"), explain_partial_refusal(WORKSPACES, error))]
        # There may be several: without their ids, the names in the figures tell them apart.
        parts = [await read_deleted(analytics, [])]
    else:
        parts, gaps = await _of_workspaces(analytics, listed, total)
    named = name_unlisted([record for part in parts for record in part.records])
    dropped = Counter(analytics.notes.dropped)
    for part in parts:
        dropped.update(part.dropped)
    return MonthFigures(
        records=named.records,
        things=(*(thing for part in parts for thing in part.things), *named.things),
        gaps=(*gaps, *(gap for part in parts for gap in part.gaps), *analytics.notes.gaps(say("the figures"))),
        remarks=tuple(dict.fromkeys(remark for part in parts for remark in part.remarks)),
        complete=all(part.complete for part in parts),
        until=analytics.until,
        dropped=dropped,
        new=analytics.notes.new,
    )


async def _of_workspaces(
    analytics: Analytics, listed: ListedWorkspaces, total: Sequence[Line] | None
) -> tuple[list[WorkspaceFigures], list[Gap]]:
    """Each workspace, and what lies outside of those that could be asked for by their ids."""
    workspaces = listed.workspaces
    read = await read_parts(
        [Part(_workspace(item.id), read_workspace(analytics, item), apart=True) for item in workspaces]
    )
    found = [value for value in read.values if value is not None]
    lost = [item.id for item, value in zip(workspaces, read.values, strict=True) if value is None]
    gaps = [gap.model_copy(update={"within": item}) for item, gap in zip(lost, read.gaps, strict=True)]
    unfound = [value.unfound for value in found if value.unfound is not None]
    records = [record for value in found for record in value.records]
    names = WorkspaceFigures(
        things=tuple(Thing(kind=Kind.WORKSPACE, id=item.id, name=item.name) for item in workspaces),
        dropped=listed.dropped,
        complete=not lost,
    )
    parts = [names, *found]
    if total is None or unfound or (not lost and not compare(total, records).agrees):
        away = {one.workspace.id for one in unfound}
        parts.append(await _outside(analytics, [item.id for item in workspaces if item.id not in away], unfound))
    return parts, gaps


def _workspace(an_id: str) -> Sentence:
    return say("the workspace {id}", id=an_id)


async def _outside(
    analytics: Analytics, workspaces: Sequence[str], unfound: Sequence[UnfoundWorkspace]
) -> WorkspaceFigures:
    """What belongs to none of these workspaces: to deleted ones, or to some that no filter finds."""
    try:
        rest = await read_deleted(analytics, workspaces)
    except SourceError as error:
        gaps = tuple(
            gap_of(_workspace(one.workspace.id), error).model_copy(update={"within": one.workspace.id})
            for one in unfound
        )
        # Every other workspace was read. On a closed month the total tells whether this lacks anything.
        remark = say("Deleted workspaces could not be read: {why}", why=error.sentence)
        return WorkspaceFigures(gaps=gaps, remarks=() if gaps else (remark,), complete=not gaps)
    records = rest.records
    for one in unfound:
        records = tuple(bring_home(record, one.workspace.name, one.workspace.id, one.keys) for record in records)
    existing = {one.workspace.id for one in unfound}
    remarks = []
    if any(record.workspace not in existing for record in records):
        remarks.append(say("Some usage is of deleted workspaces; it is counted under their names."))
    if unfound:
        remarks.append(
            say_count(
                "OpenRouter did not find {number} workspace by its id: its usage is counted by its name.",
                "OpenRouter did not find {number} workspaces by their ids: their usage is counted by their names.",
                len(unfound),
            )
        )
    return WorkspaceFigures(records=records, remarks=tuple(remarks))

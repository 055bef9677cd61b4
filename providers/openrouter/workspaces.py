"""Reading workspaces: their list, the keys and figures of each, and what belongs to deleted ones."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

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
    Line,
    Placed,
    Workspace,
    WorkspacePage,
    keys_turn,
    workspaces_turn,
)
from providers.openrouter.query import Analytics, Filter, Question, UnappliedFilterError
from providers.shared.lines import Lines
from providers.shared.paging import Pages, read_pages
from providers.shared.parts import gap_of
from usage.errors import ContractError, CredentialError, NotOfferedError, RefusedError
from usage.money import exact_sum
from usage.names import Kind
from usage.outcomes.report import Gap, GapKind, Thing
from usage.records.record import UsageRecord

KEYS_BY_NAME: Final = "les identifiants des clés"


@dataclass(frozen=True, slots=True)
class Content:
    """What was read of one or several workspaces."""

    records: tuple[UsageRecord, ...] = ()
    things: tuple[Thing, ...] = ()
    gaps: tuple[Gap, ...] = ()
    remarks: tuple[str, ...] = ()
    complete: bool = True
    """False when a workspace that exists is missing."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Entries of the registries that could not be read."""
    unfound: Unfound | None = None


@dataclass(frozen=True, slots=True)
class Unfound:
    """A workspace that is listed, but that no filter finds, and its keys."""

    workspace: Workspace
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class _Keys:
    keys: tuple[Key, ...] = ()
    gaps: tuple[Gap, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)

    @property
    def things(self) -> tuple[Thing, ...]:
        return tuple(Thing(kind=Kind.API_KEY, id=key.hash, name=key.shown or None) for key in self.keys)


@dataclass(frozen=True, slots=True)
class Listed:
    """All workspaces that exist, and what of their list could not be read."""

    workspaces: tuple[Workspace, ...]
    dropped: Mapping[str, int] = field(default_factory=dict)


async def list_workspaces(job: Job) -> Listed:
    """All workspaces that exist.

    Raises:
        SourceError: They can't be read.
    """

    async def ask(offset: str | None) -> Placed[WorkspacePage]:
        answer = await job.http.get(WORKSPACES, workspaces_from(offset))
        job.on_page()
        return Placed(int(offset or 0), answer.parse(WorkspacePage))

    sink = await read_pages(ask, workspaces_turn, Pages[Placed[WorkspacePage]], where=WORKSPACES)
    pages = [placed.page.data for placed in sink.pages]
    # A workspace made meanwhile moves the others on: one may be listed twice.
    found = {item.id: item for page in pages for item in page}
    return Listed(tuple(found.values()), _odd(pages, WORKSPACES))


async def read_workspace(analytics: Analytics, workspace: Workspace) -> Content:
    """The keys of a workspace and what they used.

    Raises:
        SourceError: Keys or figures could not be read.
    """
    keys = await _keys(analytics.job, workspace.id)
    inside = (Filter(field="workspace", operator="eq", value=workspace.id),)
    try:
        records, remarks = await _figures(analytics, inside, keys.keys)
    except UnappliedFilterError:
        return Content(things=keys.things, dropped=keys.dropped, unfound=Unfound(workspace, keys.keys))
    return Content(
        records=tuple(replace(record, workspace=workspace.id) for record in records),
        things=keys.things,
        gaps=tuple(gap.model_copy(update={"within": workspace.id}) for gap in keys.gaps),
        remarks=remarks,
        dropped=keys.dropped,
    )


async def read_account(analytics: Analytics) -> Content:
    """An account as a whole, where it has no list of workspaces.

    Raises:
        SourceError: Keys or figures could not be read.
    """
    keys = await _keys(analytics.job, None)
    records, remarks = await _figures(analytics, (), keys.keys)
    homes = {key.workspace_id for key in keys.keys}
    home = next(iter(homes)) if len(homes) == 1 else None
    return Content(
        records=tuple(replace(record, workspace=home) for record in records),
        things=(*([Thing(kind=Kind.WORKSPACE, id=home)] if home else []), *keys.things),
        gaps=keys.gaps,
        remarks=remarks,
        dropped=keys.dropped,
    )


async def read_deleted(analytics: Analytics, workspaces: Sequence[str]) -> Content:
    """What belongs to none of these workspaces: nothing as a rule, else the past of deleted ones.

    Raises:
        SourceError: It could not be read.
    """
    others = (Filter(field="workspace", operator="not_in", value=tuple(workspaces)),) if workspaces else ()
    month = analytics.job.month
    by_model = await analytics.ask(Question.of(month, BY_KEY_AND_MODEL, *others))
    by_workspace = await analytics.ask(Question.of(month, BY_WORKSPACE_AND_KEY, *others)) if by_model else []
    return Content(records=tuple(outside(by_model, by_workspace)))


async def _keys(job: Job, workspace: str | None) -> _Keys:
    """All keys of a workspace; none, and a gap, where they can't be had: their names stand in the figures all the same.

    Raises:
        TransientError: They can't be read just now. Names in place of ids would make rows of their own.
    """

    async def ask(offset: str | None) -> Placed[KeyPage]:
        answer = await job.http.get(KEYS, keys_of(workspace, offset))
        job.on_page()
        return Placed(int(offset or 0), answer.parse(KeyPage))

    try:
        sink = await read_pages(ask, keys_turn, Pages[Placed[KeyPage]], where=KEYS)
    except CredentialError as error:
        return _Keys(gaps=(gap_of(KEYS_BY_NAME, refused_in_part(KEYS, error)),))
    except (NotOfferedError, RefusedError, ContractError) as error:
        return _Keys(gaps=(gap_of(KEYS_BY_NAME, error),))
    pages = [placed.page.data for placed in sink.pages]
    found = {key.hash: key for page in pages for key in page}
    odd = _odd(pages, KEYS)
    sentence = f"Il manque {KEYS_BY_NAME} illisibles ({odd.total()}) : {' ; '.join(odd)}."
    gaps = (Gap(kind=GapKind.MISSING, sentence=sentence),) if odd else ()
    return _Keys(tuple(found.values()), gaps, odd)


def refused_in_part(path: str, error: CredentialError) -> CredentialError:
    """The refusal of one endpoint to a key that reads others, which is no key of the wrong kind."""
    sentence = f"OpenRouter refuse {path} à la clé (HTTP {error.status}), qui lit pourtant d’autres données."
    return CredentialError(sentence, status=error.status)


def _odd(pages: Iterable[Lines[Any]], where: str) -> Counter[str]:
    odd: Counter[str] = Counter()
    for page in pages:
        odd.update({f"{where} : {what}": count for what, count in page.odd.items()})
    return odd


async def _figures(
    analytics: Analytics, inside: tuple[Filter, ...], keys: Sequence[Key]
) -> tuple[list[UsageRecord], tuple[str, ...]]:
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
            records += _given_to(bearers[0].hash if bearers else unlisted_key(name), figures)
    if not unfound:
        return records, ()
    return records, (
        f"OpenRouter n’a pas retrouvé {unfound} clé(s) par leur empreinte : leur usage reste sous leur nom, sans clé.",
    )


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
        for record in _given_to(key.hash, [line.figures for line in answer or ()])
    ]
    rest = _given_to(unlisted_key(name), remainder(figures, records))
    return [*records, *rest], sum(answer is None for answer in answers)


async def _of_key(analytics: Analytics, inside: tuple[Filter, ...], key: Key) -> list[Line] | None:
    """One key's usage; None where the filter does not find the key."""
    one = Filter(field="api_key_id", operator="eq", value=key.hash)
    try:
        return await analytics.ask(Question.of(analytics.job.month, BY_MODEL, *inside, one))
    except UnappliedFilterError:
        return None


def _given_to(key: str | None, figures: Iterable[UsageRecord]) -> list[UsageRecord]:
    return [replace(record, api_key=key) for record in figures]

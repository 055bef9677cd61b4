"""OpenRouter's workspaces and keys: more than names here, since figures are asked for by their ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from providers.openrouter.endpoints import KEYS, WORKSPACES, keys_from, workspaces_from
from providers.openrouter.parse import Key, KeyPage, Workspace, WorkspacePage, next_keys_page, next_workspaces_page
from providers.openrouter.refusals import explain_partial_refusal
from providers.shared.job import Job
from providers.shared.lines import Lines
from providers.shared.paging import read_registry
from providers.shared.parts import gap_of
from usage.errors import ContractError, CredentialError, NotOfferedError, RefusedError
from usage.language.saying import listed, say
from usage.language.sentence import Sentence
from usage.names import Kind
from usage.outcomes.report import Gap, GapKind, Thing


@dataclass(frozen=True, slots=True)
class ListedKeys:
    """A workspace's keys; where they can't be had there is a gap."""

    keys: tuple[Key, ...] = ()
    gaps: tuple[Gap, ...] = ()
    dropped: Mapping[Sentence, int] = field(default_factory=dict)

    @property
    def things(self) -> tuple[Thing, ...]:
        """As the report holds them."""
        return tuple(Thing(kind=Kind.API_KEY, id=key.hash, name=key.shown or None) for key in self.keys)


@dataclass(frozen=True, slots=True)
class ListedWorkspaces:
    """All workspaces that exist, and what of their list could not be read."""

    workspaces: tuple[Workspace, ...]
    dropped: Mapping[Sentence, int] = field(default_factory=dict)


async def list_workspaces(job: Job) -> ListedWorkspaces:
    """All workspaces that exist.

    Raises:
        SourceError: They can't be read.
    """
    read = await read_registry(job, WORKSPACES, workspaces_from, WorkspacePage, next_workspaces_page)
    pages = [page.data for page in read]
    # A workspace made meanwhile moves the others on: one may be listed twice.
    found = {item.id: item for page in pages for item in page}
    return ListedWorkspaces(tuple(found.values()), _count_odd(pages, WORKSPACES))


async def list_keys(job: Job, workspace: str | None) -> ListedKeys:
    """All keys of a workspace; none, and a gap, where they can't be had: their names stand in the figures all the same.

    Raises:
        TransientError: They can't be read just now. Names in place of ids would make rows of their own.
    """
    ids = say("the ids of the keys")
    try:
        read = await read_registry(job, KEYS, partial(keys_from, workspace), KeyPage, next_keys_page)
    except CredentialError as error:
        return ListedKeys(gaps=(gap_of(ids, explain_partial_refusal(KEYS, error)),))
    except (NotOfferedError, RefusedError, ContractError) as error:
        return ListedKeys(gaps=(gap_of(ids, error),))
    pages = [page.data for page in read]
    found = {key.hash: key for page in pages for key in page}
    odd = _count_odd(pages, KEYS)
    sentence = say("Without the ids of unreadable keys ({number}): {reasons}.", number=odd.total(), reasons=listed(odd))
    gaps = (Gap(kind=GapKind.MISSING, sentence=sentence),) if odd else ()
    return ListedKeys(tuple(found.values()), gaps, odd)


def _count_odd(pages: Iterable[Lines[Any]], where: str) -> Counter[Sentence]:
    odd: Counter[Sentence] = Counter()
    for page in pages:
        odd.update({say("{where}: {what}", where=where, what=what): count for what, count in page.odd.items()})
    return odd

"""Reading a listing to its end, and not further."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

from providers.shared.answers import ApiModel
from providers.shared.http import Params
from providers.shared.job import Job
from providers.shared.lines import Notes
from usage.errors import ContractError, StaleCursorError
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.outcomes.report import Thing

P = TypeVar("P")
M = TypeVar("M", bound=ApiModel)
P_contra = TypeVar("P_contra", contravariant=True)
S = TypeVar("S", bound="Sink[Any]")

EMPTY_PAGES: Final = 5
"""So many pages in a row that bring nothing new, and a listing is at its end."""
MOST_PAGES: Final = 2_000
"""No question of ours has so many pages: a hundred thousand projects, or a month's costs in pages of seventy lines."""


@dataclass(frozen=True, slots=True)
class NextPage:
    """What a page says about the next one.

    `more` is None where the API has no such field; `mark` identifies the page's content (None for an empty page).
    """

    more: bool | None
    token: str | None
    mark: object = None
    lines: bool = True
    """False where the page has nothing that could be counted twice, such as days without lines: such a page may come
    again, it just brings nothing new."""
    past: bool = False
    """True when all of the page lies past the range that was asked for: the listing ends. Sinks take nothing in that is
    not of their month."""


class Sink(Protocol[P_contra]):
    """Takes in pages."""

    def add(self, page: P_contra, /) -> None:
        """Take in one page."""


@dataclass(slots=True)
class Pages(Generic[P]):
    """A sink that keeps the pages; for registries, which are small."""

    pages: list[P] = field(default_factory=list)

    def add(self, page: P, /) -> None:
        """Keep one page."""
        self.pages.append(page)


@dataclass(frozen=True, slots=True)
class Names:
    """What the registries of an account told: its things, why some names are not there, what could not be read."""

    things: tuple[Thing, ...] = ()
    remarks: tuple[Sentence, ...] = ()
    notes: Notes = field(default_factory=Notes)


async def read_pages(
    ask: Callable[[str | None], Awaitable[P]],
    find_next: Callable[[P], NextPage],
    sink: Callable[[], S],
    *,
    where: str,
    tells_its_days: bool = False,
    most: int = MOST_PAGES,
) -> S:
    """Read every page, starting again once from the first if the listing changes meanwhile (410).

    A token ends the listing unless `more` is true; an empty page with a token goes on. A listing that goes on for ever
    is cut: past its range, after `EMPTY_PAGES` pages in a row that bring nothing new, or after `most` pages.

    Args:
        ask: Reads the page behind a token; None is the first.
        find_next: What a page that has been taken in says about the next one.
        sink: Makes an empty sink; pages of an abandoned reading are dropped with theirs.
        where: The endpoint, for messages.
        tells_its_days: True where the caller counts the days that came, so that pages that stay empty are just the
            end. Elsewhere nobody would see that something is missing, and they are an error.
        most: So many pages can be needed at most.

    Raises:
        ContractError: More is announced without a token, a page with lines comes a second time, or the listing was
            cut.
    """
    listing = _Listing(where, tells_its_days, most)
    try:
        return await listing.read(ask, find_next, sink())
    except StaleCursorError:
        return await listing.read(ask, find_next, sink())


async def read_registry(
    job: Job,
    path: str,
    params: Callable[[str | None], Params],
    model: type[M],
    find_next: Callable[[M, str | None], NextPage],
) -> list[M]:
    """All pages of a list of what an account has.

    Args:
        job: The job.
        path: The list.
        params: Parameters of the page behind a token; None is the first.
        model: The shape of a page.
        find_next: What a page, and the token that brought it, say about the next one.

    Raises:
        SourceError: See `providers.shared.http` and `read_pages`.
    """

    async def ask(token: str | None) -> tuple[M, str | None]:
        return (await job.get(path, params(token))).parse(model), token

    sink = await read_pages(ask, lambda asked: find_next(*asked), Pages[tuple[M, str | None]], where=path)
    return [page for page, _ in sink.pages]


@dataclass(frozen=True, slots=True)
class _Listing:
    where: str
    tells_its_days: bool
    most: int

    async def read(self, ask: Callable[[str | None], Awaitable[P]], find_next: Callable[[P], NextPage], sink: S) -> S:
        token: str | None = None
        seen: set[object] = set()
        idle = 0
        for _ in range(self.most):
            page = await ask(token)
            # First: where a page goes on may stand at the end of what is read while it is taken in.
            sink.add(page)
            step = find_next(page)
            if step.past:
                return sink
            idle = 0 if self._is_new(step, seen) else idle + 1
            if step.more and not step.token:
                raise ContractError(say("{where} announces more without telling where to read it.", where=self.where))
            if not step.token or step.more is False:
                return sink
            if ("token", step.token) in seen:
                raise ContractError(
                    say("{where} keeps pointing to the same page; reading it is stopped.", where=self.where)
                )
            seen.add(("token", step.token))
            if idle == EMPTY_PAGES:
                if self.tells_its_days:
                    return sink
                sentence = say(
                    "{where} keeps announcing more, but {number} pages in a row bring nothing; reading it is stopped.",
                    where=self.where,
                    number=idle,
                )
                raise ContractError(sentence)
            token = step.token
        raise ContractError(
            say(
                "{where} has no end: reading it is stopped after {number} pages.",
                where=self.where,
                number=str(self.most),
            )
        )

    def _is_new(self, step: NextPage, seen: set[object]) -> bool:
        """Whether a page brings something that was not there before; notes it."""
        if step.mark is None:
            return False
        if step.mark in seen:
            if step.lines:
                raise ContractError(say("{where} gives the same page twice; reading it is stopped.", where=self.where))
            return False
        seen.add(step.mark)
        return True

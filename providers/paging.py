"""Reading a listing to its end, and not further."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from usage.errors import ContractError, StaleCursorError

P = TypeVar("P")
P_contra = TypeVar("P_contra", contravariant=True)
S = TypeVar("S", bound="Sink[Any]")


@dataclass(frozen=True, slots=True)
class Turn:
    """What a page says about the next one.

    `more` is None where the API has no such field; `mark` identifies the page's content (None for an empty page).
    """

    more: bool | None
    token: str | None
    mark: object = None


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


async def read_pages(
    ask: Callable[[str | None], Awaitable[P]],
    turn: Callable[[P], Turn],
    sink: Callable[[], S],
    *,
    where: str,
) -> S:
    """Read every page, starting again once from the first if the listing changes meanwhile (410).

    A token ends the listing unless `more` is true; an empty page with a token goes on.

    Args:
        ask: Reads the page behind a token; None is the first.
        turn: What a page says about the next one.
        sink: Makes an empty sink; pages of an abandoned reading are dropped with theirs.
        where: The endpoint, for messages.

    Raises:
        ContractError: More is announced without a token, or a page comes a second time.
    """
    try:
        return await _read_once(ask, turn, sink(), where)
    except StaleCursorError:
        return await _read_once(ask, turn, sink(), where)


async def _read_once(ask: Callable[[str | None], Awaitable[P]], turn: Callable[[P], Turn], sink: S, where: str) -> S:
    token: str | None = None
    seen: set[object] = set()
    while True:
        page = await ask(token)
        step = turn(page)
        if step.mark is not None:
            if step.mark in seen:
                raise ContractError(f"{where} donne deux fois la même page ; la lecture est arrêtée.")
            seen.add(step.mark)
        sink.add(page)
        if step.more and not step.token:
            raise ContractError(f"{where} annonce une suite sans dire où la lire.")
        if not step.token or step.more is False:
            return sink
        if ("token", step.token) in seen:
            raise ContractError(f"{where} renvoie toujours à la même page ; la lecture est arrêtée.")
        seen.add(("token", step.token))
        token = step.token

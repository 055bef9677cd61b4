from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.shared.paging import EMPTY_PAGES, NextPage, Pages, read_pages
from usage.errors import ContractError, StaleCursorError
from usage.language.sentence import Sentence

Page = tuple[NextPage, object]
Ask = Callable[[str | None], Awaitable[Page]]


def read(ask: Ask) -> list[object]:
    sink = asyncio.run(read_pages(ask, lambda page: page[0], Pages[Page], where="/costs"))
    return [content for _, content in sink.pages]


def listing(pages: Mapping[str | None, Page]) -> Ask:
    async def ask(token: str | None) -> Page:
        return pages[token]

    return ask


@given(st.lists(st.integers(), max_size=40, unique=True), st.integers(1, 7), st.sampled_from([True, None]))
def test_every_page_is_read_once_and_in_order(items: list[int], size: int, more: bool | None) -> None:
    """`more` is None for an API without such a field."""
    cut = [items[start : start + size] for start in range(0, len(items), size)] or [[]]
    pages: dict[str | None, Page] = {}
    for number, content in enumerate(cut):
        last = number + 1 == len(cut)
        turn = NextPage(
            None if more is None else not last, None if last else str(number + 1), content[0] if content else None
        )
        pages[str(number) if number else None] = (turn, content)
    assert read(listing(pages)) == cut


def test_a_token_is_no_next_page_where_the_api_says_that_there_is_none() -> None:
    assert read(listing({None: (NextPage(more=False, token="b", mark=1), "a")})) == ["a"]


def test_an_empty_page_with_a_token_goes_on() -> None:
    pages: dict[str | None, Page] = {
        None: (NextPage(True, "b"), "nothing"),
        "b": (NextPage(True, "c"), "nothing"),
        "c": (NextPage(False, None, mark=1), "something"),
    }
    assert read(listing(pages)) == ["nothing", "nothing", "something"]


@pytest.mark.parametrize("token", [None, ""])
def test_more_without_a_token(token: str | None) -> None:
    with pytest.raises(ContractError, match="/costs annonce une suite"):
        read(listing({None: (NextPage(True, token), "a")}))


def test_a_page_that_comes_twice() -> None:
    pages: dict[str | None, Page] = {None: (NextPage(True, "b", mark=1), "a"), "b": (NextPage(True, "c", mark=1), "a")}
    with pytest.raises(ContractError, match="deux fois la même page"):
        read(listing(pages))


def test_a_token_that_leads_nowhere_else() -> None:
    pages: dict[str | None, Page] = {None: (NextPage(True, "b"), "a"), "b": (NextPage(True, "b"), "b")}
    with pytest.raises(ContractError, match="même page"):
        read(listing(pages))


def test_a_stale_cursor_starts_the_listing_again_once() -> None:
    turns = iter(["a1", StaleCursorError(Sentence.of("…"), status=410), "a2", "b2"])
    asked: list[str | None] = []

    async def ask(token: str | None) -> Page:
        asked.append(token)
        step = next(turns)
        if isinstance(step, StaleCursorError):
            raise step
        return (NextPage(token is None, "b" if token is None else None, mark=step), step)

    # Nothing of the first reading is left, or it would be counted twice.
    assert read(ask) == ["a2", "b2"]
    assert asked == [None, "b", None, "b"]


def test_a_listing_that_is_always_stale() -> None:
    asked = 0

    async def ask(token: str | None) -> Page:
        nonlocal asked
        asked += 1
        if token is None:
            return (NextPage(True, "b"), "a")
        raise StaleCursorError(Sentence.of("…"), status=410)

    with pytest.raises(StaleCursorError):
        read(ask)
    assert asked == 4


def endless(turn: NextPage) -> Callable[[str | None], Awaitable[Page]]:
    """Hands out a new token with each page, for ever."""
    number = 0

    async def ask(_: str | None) -> Page:
        nonlocal number
        number += 1
        mark = (turn.mark, number) if turn.mark == "new" else turn.mark
        return (replace(turn, token=f"t{number}", mark=mark), number)

    return ask


def cut(ask: Callable[[str | None], Awaitable[Page]], **more: Any) -> list[Any]:
    sink = asyncio.run(read_pages(ask, lambda page: page[0], Pages[Page], where="/costs", **more))
    return [content for _, content in sink.pages]


@pytest.mark.parametrize(
    "turn", [NextPage(True, "t"), NextPage(True, "t", mark="the same days, without lines", lines=False)]
)
def test_pages_that_stay_empty_are_the_end_where_days_are_counted(turn: NextPage) -> None:
    assert len(cut(endless(turn), tells_its_days=True)) in (EMPTY_PAGES, EMPTY_PAGES + 1)


def test_pages_that_stay_empty_are_an_error_where_nobody_would_see_what_is_missing() -> None:
    with pytest.raises(ContractError, match=r"/costs .* 5 pages de suite n’apportent rien"):
        cut(endless(NextPage(True, "t")))


def test_a_page_past_the_range_ends_the_listing() -> None:
    pages: dict[str | None, Page] = {
        None: (NextPage(True, "b", mark=1), "a"),
        "b": (NextPage(True, "c", mark=2, past=True), "next month"),
    }
    assert read(listing(pages)) == ["a", "next month"]


def test_a_listing_that_always_has_something_new_is_cut() -> None:
    with pytest.raises(ContractError, match="/costs n’en finit pas : la lecture est arrêtée après 12 pages"):
        cut(endless(NextPage(True, "t", mark="new")), most=12)

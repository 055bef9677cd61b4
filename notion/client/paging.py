"""Reading a listing page by page to its end, and to no other: Notion may refuse a cursor half way, find a page too
large, or announce more without end.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, Final, Generic, TypeVar

from notion.client.connection import SMALLEST_PAGE, TooMuchAsked
from notion.client.models import Listing, parse
from usage.errors import NotionAccessError, NotionError
from usage.language.saying import say, say_count

PAGE_SIZE: Final = 100
RESTARTS: Final = 3
"""How often a listing is begun again."""
MOST: Final = 20_000
"""Things in one listing: twice what Notion says that it gives of any."""
STALLED: Final = 10
"""Pages in a row that bring nothing new, after which a listing is taken to have no end."""
_log: Final = logging.getLogger(__name__)

L = TypeVar("L", bound=Listing)


class Pages(Generic[L]):
    """The pages of one listing; what stands in several of them is only in the first.

    Args:
        model: What a page is read as.
        ask: Asks for a page, by its size and cursor.
        path: What is listed, for people.
        size: Things in a page; fewer where Notion is overloaded.
    """

    def __init__(self, model: type[L], ask: Callable[..., object], path: str, size: int = PAGE_SIZE) -> None:
        self._model, self._endpoint, self._path, self._size = model, ask, path, size
        self._restarts = 0
        self._known: set[str] = set()
        """Ids of all that was given."""
        self._here: set[str] = set()
        """Ids of what was seen since the listing was begun, the last time that it was."""
        self._cursors: set[str] = set()
        self._idle = 0
        self._skipped = 0

    def __iter__(self) -> Iterator[L]:
        """Every page.

        Raises:
            NotionError: The listing has no end, or Notion can't be read.
        """
        cursor: str | None = None
        while True:
            listing = self._ask(cursor)
            if listing is None:
                cursor = None
                continue
            self._skipped += listing.skipped
            yield self._new(listing)
            cursor = self._next(listing)
            if cursor is None:
                break
        if self._skipped:
            sentence = say_count(
                "{number} result of Notion’s that is no whole row is passed over.",
                "{number} results of Notion’s that are no whole rows are passed over.",
                self._skipped,
            )
            _log.warning("%s", sentence)

    def _ask(self, cursor: str | None) -> L | None:
        """The page at a cursor; None where the listing has to be begun again."""
        while True:
            try:
                return parse(self._model, self._endpoint(start_cursor=cursor, page_size=self._size))
            except TooMuchAsked:
                self._size = max(SMALLEST_PAGE, self._size // 2)
            except NotionAccessError as error:
                # The same question has passed without a cursor: it is the cursor that is refused.
                if error.status != 400 or cursor is None or self._restarts >= RESTARTS:
                    raise
                self._restarts += 1
                self._idle = 0
                self._here.clear()
                self._cursors.clear()
                return None

    def _new(self, listing: L) -> L:
        """The page without what an earlier one had."""
        found = [(_id(result), result) for result in listing.results]
        fresh = [result for key, result in found if key is None or key not in self._known]
        keys = {key for key, _ in found if key is not None}
        self._idle = 0 if keys - self._here else self._idle + 1
        self._here |= keys
        self._known |= keys
        # A page that has a thing twice gives it once.
        once = {_id(result) or str(index): result for index, result in enumerate(fresh)}
        return listing.model_copy(update={"results": list(once.values())})

    def _next(self, listing: L) -> str | None:
        """The cursor of the next page; None at the end, whatever cursor comes with it."""
        if not listing.has_more:
            return None
        cursor = listing.next_cursor
        if not cursor or cursor in self._cursors:
            sentence = say("Notion announces more without telling where to read it ({path}).", path=self._path)
            raise NotionError(sentence)
        if self._idle >= STALLED or len(self._here) > MOST:
            sentence = say("Notion announces more without end ({path}): run it again later.", path=self._path)
            raise NotionError(sentence)
        self._cursors.add(cursor)
        return cursor


def _id(result: Any) -> str | None:
    """What makes a thing the same on another page."""
    key = result.get("id") if isinstance(result, dict) else getattr(result, "id", None)
    return key if isinstance(key, str) else None

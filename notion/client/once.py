"""Creating something once, although Notion's answer may not arrive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from notion.client.gateway import DoubtfulCreation
from usage.errors import NotionBusyError

TRIES: Final = 3
PAUSE: Final = 2.0
"""Seconds before looking whether it has been saved; more each time."""

T = TypeVar("T")


def create_once(create: Callable[[], T], find: Callable[[str | None], T | None], sleep: Callable[[float], None]) -> T:
    """Create something; after a doubtful answer look for it before trying again.

    Args:
        create: Creates it.
        find: Looks for it; gets the id where Notion said what it had saved.
        sleep: Waits some seconds.

    Raises:
        NotionBusyError: Notion's answer never arrived and nothing was found.
        NotionError: Whatever else `create` and `find` raise.
    """
    last: DoubtfulCreation | None = None
    for attempt in range(TRIES):
        try:
            return create()
        except DoubtfulCreation as error:
            last = error
        sleep(PAUSE * (attempt + 1))
        found = find(last.page_id)
        if found is not None:
            return found
    raise NotionBusyError(str(last))

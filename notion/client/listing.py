"""Reading all rows of a data source, however many: Notion ends a query after 10,000 of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from notion.client.gateway import Gateway
from notion.client.models import Page, PageListing
from usage.errors import NotionError

MOST_ROWS: Final = 250_000
"""Rows that a data source is said to hold."""


def every_row(gateway: Gateway, data_source_id: str, where: Mapping[str, Any] | None = None) -> Iterator[Page]:
    """All rows that fulfil a condition, oldest first, those in the trash left out; each once.

    Where a query is cut, the next one begins with the minute in which the last row was created: Notion tells no more.

    Raises:
        NotionError: One minute alone has more rows than a query gives, there is no end, or Notion can't be read.
    """
    seen: set[str] = set()
    since: datetime | None = None
    while True:
        last, is_cut = since, False
        for listing in _query(gateway, data_source_id, where, since):
            for page in listing.results:
                last = page.created_time
                if page.id not in seen and not page.in_trash:
                    seen.add(page.id)
                    yield page
            is_cut = listing.request_status is not None and listing.request_status.type == "incomplete"
        if not is_cut:
            return
        if last is None or (since is not None and last <= since):
            raise NotionError(f"Plus de 10 000 lignes ont été créées à la même minute ({since}) : Notion les cache.")
        if len(seen) > MOST_ROWS:
            raise NotionError("Notion annonce plus de lignes qu’une base n’en peut avoir : relancez plus tard.")
        since = last


def _query(
    gateway: Gateway, data_source_id: str, where: Mapping[str, Any] | None, since: datetime | None
) -> Iterator[PageListing]:
    question: dict[str, Any] = {"sorts": [{"timestamp": "created_time", "direction": "ascending"}]}
    conditions = [] if where is None else [where]
    if since is not None:
        conditions.append({"timestamp": "created_time", "created_time": {"on_or_after": since.isoformat()}})
    if conditions:
        question["filter"] = {"and": conditions}
    return gateway.query(data_source_id, question)

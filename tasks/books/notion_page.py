"""The page of a month in Notion, under the parent page."""

from __future__ import annotations

from notion.client.contents import Contents, Kept
from notion.client.gateway import Gateway
from reports.page.figures.report import Report
from reports.page.telling.amounts import SecondCurrency
from reports.page.telling.teller import tell
from tasks.pages.blocks import blocks_of, title_of
from usage.language.words import Words


def write_page(
    gateway: Gateway, parent_page_id: str, report: Report, words: Words, second: SecondCurrency | None = None
) -> Kept:
    """Make the page of a month, or renew it where it stands; nothing is written where it says the same already.

    Args:
        gateway: The connection.
        parent_page_id: The page under which it goes.
        report: What it shows.
        words: Its language.
        second: A currency beside US dollars.

    Raises:
        NotionError: Notion can't be read or written; the next run completes the page.
    """
    blocks = blocks_of(report, tell(report, words, second), words)
    return Contents(gateway, parent_page_id).keep(title_of(report.month.month), blocks)

"""The page of a month in Markdown: the same as the page of its own, other people's text shown and not obeyed."""

from __future__ import annotations

import base64

import pytest

from reports.page.figures.report import Report, last_months, report_of
from reports.page.telling.teller import tell
from tasks.pages.blocks import blocks_of, title_of
from tasks.pages.statement import as_markdown
from tests.reports.page.ledgers import MONTH, agency, awkward
from tests.tasks.pages.results import read_page
from usage.language.choice import Language
from usage.language.words import Words

WORDS = Words(Language.EN)


@pytest.fixture(scope="module")
def report() -> Report:
    return report_of(agency(), last_months(MONTH, 12), by=("Client",), corrections=())


def test_every_section_and_table(report: Report) -> None:
    document = tell(report, WORDS)
    page = read_page(as_markdown(report, document, WORDS))
    assert page.headings == [document.title, *(section.heading for section in document.sections)]
    tables = [section.table for section in document.sections if section.table is not None]
    assert [len(one) for one in page.tables] == [1 + len(one.rows) + (one.total is not None) for one in tables]
    assert page.tables[2][-1][-1] == f"{report.month.cost:,.2f}"


def test_charts_are_small_pictures(report: Report) -> None:
    markdown = as_markdown(report, tell(report, WORDS), WORDS)
    pictures = read_page(markdown).pictures
    assert len(pictures) == 3
    for address in pictures:
        kind, _, data = address.partition(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data, validate=True).startswith(b"\x89PNG")
    assert len(markdown) < 200_000


def test_other_peoples_text_is_no_markdown() -> None:
    report = report_of(awkward(40), last_months(MONTH, 2), by=("Client",))
    page = read_page(as_markdown(report, tell(report, WORDS), WORDS))
    assert not page.others & {"html_inline", "html_block", "code_inline"}
    assert all(link.startswith("https://www.notion.so/") for link in page.links)


def test_the_same_as_blocks_of_notion(report: Report) -> None:
    document = tell(report, WORDS)
    blocks = blocks_of(report, document, WORDS)
    kinds = [block["type"] if isinstance(block, dict) else "picture" for block in blocks]
    assert kinds.count("heading_2") == len(document.sections)
    assert kinds.count("picture") == 3
    assert blocks_of(report, document, WORDS) == blocks
    assert title_of(MONTH) == "Usages LLM 2026-01"

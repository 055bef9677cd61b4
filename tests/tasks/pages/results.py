"""What the tests of the reports share: texts as a page shows them, and results to report."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as Xml

from markdown_it import MarkdownIt

from notion.databases.declared import SERVICES, USAGES
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import DEFAULT_ACCOUNT, ProviderName, Source, Status
from usage.outcomes.result import MonthResult, NotionCounts, SourceResult, ToRerun

HOSTILE = (
    "\n\n# a | b\r\n<img src=x onerror=alert(1)> [c](https://evil.example) ![d](e) `f` **g** &lt; \\| \x1b[31m – 1. h"
)
"""Everything at once that Markdown or HTML could obey."""


@dataclass(frozen=True)
class Page:
    """A text in Markdown, as a page shows it."""

    headings: list[str]
    tables: list[list[list[str]]]
    """Tables, their rows, their cells: what a person reads there."""
    links: list[str]
    pictures: list[str]
    others: set[str]
    """Kinds of elements that are none of these: there should be no HTML among them."""

    def picture(self) -> Xml.Element:
        """The only picture, which has to be SVG in a data address."""
        (address,) = self.pictures
        kind, _, data = address.partition(",")
        assert kind == "data:image/svg+xml;base64"
        return Xml.fromstring(base64.b64decode(data, validate=True))  # noqa: S314  # our own


def read_page(markdown: str) -> Page:
    """What a person sees of a text in Markdown."""
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    # By itself it takes neither pictures in SVG nor links to scripts; Prefect's pages take the former.
    setattr(reader, "validateLink", lambda _url: True)  # noqa: B010  # it has a method of that name
    tokens = reader.parse(markdown)
    page = Page([], [], [], [], set())
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "table_open":
            page.tables.append([])
        elif token.type == "tr_open":
            page.tables[-1].append([])
        elif token.type == "inline":
            text = "".join(child.content for child in token.children or () if child.type == "text")
            if before is not None and before.type in ("th_open", "td_open"):
                page.tables[-1][-1].append(text)
            elif before is not None and before.type == "heading_open":
                page.headings.append(text)
            for child in token.children or ():
                page.others.add(child.type)
                if child.type == "link_open":
                    page.links.append(str(child.attrs["href"]))
                elif child.type == "image":
                    page.pictures.append(str(child.attrs["src"]))
        page.others.add(re.sub("_(open|close)$", "", token.type))
    return page


def make_workspace() -> Any:
    """What a report needs of Notion: where things are, and the rows of each month."""
    services = tuple(
        SimpleNamespace(provider=provider, url=f"https://www.notion.so/{provider.value}", page_id=provider.value)
        for provider in ProviderName
    )
    databases = SimpleNamespace(
        usages=SimpleNamespace(declared=USAGES, url="https://www.notion.so/usages"),
        services=SimpleNamespace(declared=SERVICES, url="https://www.notion.so/services"),
    )
    return SimpleNamespace(services=services, databases=databases, inactive=frozenset())


def make_source(
    provider: str = "openai", cost: str | None = "1.00", status: str = "Succes", **more: Any
) -> SourceResult:
    """One source's part of a result; every field can be given."""
    figures = {"tokens_input": None, "tokens_output": None, "requests": None, "rows": 1, "log": "31 jours lus."}
    fields = {"provider": provider, "account": DEFAULT_ACCOUNT, "cost_usd": cost, "status": status}
    return SourceResult(**(fields | figures | more))


def to_rerun(provider: str, reason: str) -> ToRerun:
    """A source that is to run again."""
    return ToRerun(source=Source(provider=ProviderName(provider)), reason=Sentence.of(reason))


def make_result(month: str, *sources: SourceResult, **more: Any) -> MonthResult:
    """A month's result; every field can be given."""
    status = max((source.status for source in sources), key=lambda status: status.rank, default=Status.SUCCES)
    fields = {"month": Month.parse(month), "status": status, "sources": sources, "notion": NotionCounts(created=2)}
    return MonthResult(**(fields | more))


def make_costs(**months: dict[str, str]) -> dict[Month, dict[ProviderName, Decimal]]:
    """Costs by month and service: `m2026_01={"openai": "1.50"}`."""
    return {
        Month.parse(name[1:].replace("_", "-")): {
            ProviderName(key): Decimal(amount) for key, amount in services.items()
        }
        for name, services in months.items()
    }

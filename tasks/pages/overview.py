"""The page that is always current: the latest months, each service's cost, the total, and what changed.

Every run that writes leaves it anew under one key, whatever month it was for, so that Prefect's page of that key shows
the latest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from notion.workspace import Workspace
from tasks.pages.history import History, Known, by_service
from tasks.pages.markdown import MARKS, NOTHING, change, link, page_address, table
from usage.language.words import Words
from usage.money import exact_sum
from usage.month import Month
from usage.names import ProviderName, Source, overall
from usage.outcomes.story import running_mark

KEY: Final = "llm-usage"
MONTHS_SHOWN: Final = 12


def report_key(month: Month) -> str:
    """Key of the report of a month."""
    return f"report-{month}"


def overview(
    history: History, months: Sequence[Month], workspace: Workspace, now: datetime, *, pages: str, words: Words
) -> str:
    """The page, in Markdown.

    Args:
        history: What is known of the months.
        months: To be shown, in order.
        workspace: The two databases, for links.
        now: UTC.
        pages: Address of Prefect's pages; empty where nobody knows it.
        words: The language of the page.
    """
    shown = [month for month in reversed(months) if history.get(month)]
    services_named = (provider.label for provider in ProviderName)
    head = (words("Month"), "", *services_named, words("Total USD"), words("Change USD"))
    usages, services = workspace.databases.usages, workspace.databases.services
    return "\n\n".join(
        [
            f"# {words('LLM usage')}",
            table(head, [_row(month, history, now, pages, words) for month in shown], left=2),
            words("US dollars as last read, by UTC month. A change is told between whole months of the same sources."),
            words(
                "In Notion: {usages}, {services}. As of {now} UTC.",
                usages=link(usages.declared.title, usages.url),
                services=link(services.declared.title, services.url),
                now=f"{now:%Y-%m-%d %H:%M}",
            ),
        ]
    )


def _row(month: Month, history: History, now: datetime, pages: str, words: Words) -> tuple[str, ...]:
    known = history[month]
    costs = by_service(history)[month]
    total = exact_sum(costs.values())
    running = running_mark(month, now).told_in(words.language)
    before = history.get(month.previous(), {})
    are_comparable = _are_comparable(month, known, before)
    name = page_address(str(month), f"{pages}/artifacts/key/{report_key(month)}" if pages else "")
    return (
        f"{name} ({running})" if running else name,
        MARKS[overall(one.status for one in known.values())],
        *(words.amount(costs.get(provider)) for provider in ProviderName),
        f"**{words.amount(total)}**",
        change(total, exact_sum(one.cost_usd for one in before.values()), words) if are_comparable else NOTHING,
    )


def _are_comparable(month: Month, known: Mapping[Source, Known], before: Mapping[Source, Known]) -> bool:
    """Whether both months had ended when they were read, and the same services told their cost in both."""
    previous = month.previous()
    whole = all(one.read_at >= month.end for one in known.values())
    whole &= all(one.read_at >= previous.end for one in before.values())
    return whole and bool(before) and _telling(known) == _telling(before)


def _telling(known: Mapping[Source, Known]) -> set[Source]:
    return {source for source, one in known.items() if one.cost_usd is not None}

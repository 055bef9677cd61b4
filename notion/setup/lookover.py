"""What `llm-usage check` says about the rows of *Usages*: which ones a collection leaves alone, and what mends them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from notion.client.gateway import Gateway
from notion.databases.declared import USAGES
from notion.databases.found import Found
from notion.plan.authorship import is_by, is_collected, is_nameless
from notion.rows.titles import month_of_title, name_in_title, provider_of, tells_two_months
from notion.rows.values import Existing, has_figures, read_row
from usage.names import ProviderName

_NAMED: Final = 3
"""Rows that a sentence names."""


@dataclass(frozen=True, slots=True)
class RowsSeen:
    """French sentences, none when all is well, and the providers that have rows."""

    sentences: tuple[str, ...]
    providers: frozenset[ProviderName]


def look_at_rows(gateway: Gateway, usages: Found, services: Mapping[ProviderName, str]) -> RowsSeen:
    """Read all rows once.

    Args:
        gateway: The connection.
        usages: The database.
        services: Page ids of the providers' rows in *Services*.

    Raises:
        NotionError: Notion can't be read.
    """
    rows = [read_row(usages, page) for page in gateway.every_row(usages.data_source_id)]
    return judge_rows(rows, services, gateway.me())


def judge_rows(rows: Iterable[Existing], services: Mapping[ProviderName, str], me: str | None) -> RowsSeen:
    """As `look_at_rows`, of rows that are read already; where `me` is not known, whose they are is not told."""
    dated = [row for row in rows if month_of_title(row.values.month)]
    known = [(row, provider) for row in dated if (provider := provider_of(row, services)) is not None]
    # Of a row without a service whose title tells another month, too: that is why it belongs to nothing.
    slips = [row for row in dated if tells_two_months(row.values) and (row.values.service or _names_a_service(row))]
    loose = [row for row, _ in known if not row.values.service]
    others = [(row, name) for row, name in known if me is not None and not is_by(row, me) and row not in slips]
    taken = [row for row, provider in others if _can_be_taken_over(row, provider)]
    sentences = (
        _say(loose, "n’ont pas de service", "llm-usage heal les relie d’après leur titre"),
        _say(
            taken,
            "ont été écrites par quelqu’un d’autre que cette connexion",
            "la collecte n’y touche pas, llm-usage heal les reprend",
        ),
        _say(
            [row for row, _ in others if row not in taken],
            "sont à vous, ou à un autre programme",
            "rien n’y touche, et leurs montants comptent dans les totaux de leur service",
        ),
        _say(slips, "ont un titre d’un autre mois que « Mois »", "corrigez celui des deux qui est faux"),
    )
    return RowsSeen(tuple(sentence for sentence in sentences if sentence), frozenset(name for _, name in known))


def _can_be_taken_over(row: Existing, provider: ProviderName) -> bool:
    """Whether a healing takes the row over: as far as it alone tells."""
    values = row.values
    if not name_in_title(values, provider):
        return False
    if is_nameless(values, provider, frozenset()):
        return is_collected(values) and has_figures(row)
    return bool(values.key)


def _names_a_service(row: Existing) -> bool:
    titled = replace(row.values, month=month_of_title(row.values.title))
    return any(name_in_title(titled, provider) for provider in ProviderName)


def _say(rows: Sequence[Existing], what: str, then: str) -> str:
    """One sentence about some rows; empty where there are none."""
    if not rows:
        return ""
    names = ", ".join(f"« {row.values.title} »" for row in rows[:_NAMED])
    more = ", …" if len(rows) > _NAMED else ""
    return f"{len(rows)} lignes de « {USAGES.title} » {what} ({names}{more}) : {then}."

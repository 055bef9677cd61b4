"""Whose row it is, and what its title says: of which month, of which service.

A row is this program's where its connection created it or wrote to it last. All others are people's or older
collectors', which Notion does not tell apart: what is done with them goes by their form.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from notion.plan.matching import is_of_service, title_start, without_account
from notion.plan.ownership import is_ours
from notion.rows.values import Existing, Values, has_figures
from notion.text import folded
from usage.names import ProviderName

_LEADING: Final = re.compile(r"\s*(\d{4}-(?:0[1-9]|1[0-2]))(?!\d)")
_ERRORS: Final = ("error", "erreur")


def is_by(row: Existing, me: str | None) -> bool:
    """Whether this connection wrote a row; of nobody is anything known where `me` is None."""
    return me is not None and me in (row.author, row.editor)


def provider_of(row: Existing, services: Mapping[ProviderName, str]) -> ProviderName | None:
    """A row's provider: by its relation, or by its title where it has none (`2026-01 - OpenAI - …`).

    Args:
        row: The row.
        services: Page ids of the providers' rows in *Services*.
    """
    return next((name for name, page_id in services.items() if is_of_service(row, page_id, name)), None)


def month_of_title(title: str) -> str:
    """The month that a title begins with; empty where it begins with none."""
    found = _LEADING.match(title)
    return found[1] if found else ""


def tells_two_months(values: Values) -> bool:
    """Whether title and `Mois` tell different months: one of the two is a slip, and nobody knows which."""
    return bool(values.month) and month_of_title(values.title) not in ("", values.month)


def name_in_title(values: Values, provider: ProviderName, labels: Collection[str] = ()) -> str:
    """The name in a title like `2026-01 - OpenAI - Production`; empty where it has another form or another month.

    Args:
        values: The row's.
        provider: Its provider.
        labels: Labels of accounts, in brackets behind the name where there are several.
    """
    title, start = " ".join(values.title.split()), title_start(values.month, provider)
    name = title[len(start) :].strip() if folded(title).startswith(folded(start)) else ""
    return without_account(name, labels)


def is_nameless(values: Values, provider: ProviderName, ids: frozenset[str]) -> bool:
    """Whether a name, or nothing, stands where the id belongs.

    Args:
        values: The row's.
        provider: Its provider.
        ids: Keys that other rows tell to be ids.
    """
    key, title = values.key, folded(name_in_title(values, provider))
    if not key:
        return bool(title)
    return not is_ours(key) and title in ("", folded(key)) and key not in ids


def is_collected(values: Values) -> bool:
    """Whether a row has what only collectors fill in."""
    return bool(values.collected_at or values.status or values.breakdown)


def is_old_error(row: Existing, provider: ProviderName) -> bool:
    """Whether a row is one that older collectors left after an error, and holds nothing else.

    Its title is month, service and `Error`, no more and no less; no figures but 0, no notes, and `Mois` is that month
    or empty.
    """
    month = month_of_title(row.values.title)
    titles = {folded(f"{title_start(month, provider)}{word}") for word in _ERRORS}
    is_titled = bool(month) and folded(row.values.title) in titles and row.values.month in ("", month)
    return is_titled and not has_figures(row) and not row.notes and not row.is_written_on

"""Whose row it is, and what its title says: of which month, of which service.

A row is this program's where its connection created it or wrote to it last. All others are people's or older
collectors', which Notion does not tell apart: what is done with them goes by their form.
"""

from __future__ import annotations

from typing import Final

from notion.rows.titles import month_of_title, name_in_title, title_start
from notion.rows.values import Existing, Values, has_figures, is_ours
from notion.text import folded
from usage.names import ProviderName

_ERRORS: Final = ("error", "erreur")


def is_by(row: Existing, me: str | None) -> bool:
    """Whether this connection wrote a row; of nobody is anything known where `me` is None."""
    return me is not None and me in (row.author, row.editor)


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

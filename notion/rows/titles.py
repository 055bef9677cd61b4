"""Titles of rows: `2026-01 - OpenAI - Production (labo)`, and what they say of month, service and name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from notion.rows.values import Existing, Values
from notion.text import one_line
from usage.language.folding import folded
from usage.names import ProviderName
from usage.outcomes.outcome import SourceOutcome

_LEADING: Final = re.compile(r"\s*(\d{4}-(?:0[1-9]|1[0-2]))(?!\d)")


def title_start(month: str, provider: ProviderName) -> str:
    """How titles of a provider's rows begin."""
    return f"{month} - {provider.label} - "


def make_title(outcome: SourceOutcome, name: str) -> str:
    """The title of a row of a source."""
    return one_line(f"{title_start(str(outcome.month), outcome.source.provider)}{name}")


def with_account(name: str, label: str) -> str:
    """A name as people tell it from one of another account: `Production (labo)`."""
    return f"{name} ({label})" if label else name


def without_account(name: str, labels: Iterable[str]) -> str:
    """A name without the account's label in brackets behind it."""
    ends = (f" ({label})" for label in labels if label)
    return next((name.removesuffix(end) for end in ends if name.endswith(end)), name)


def name_of(values: Values, provider: ProviderName, labels: Iterable[str]) -> str:
    """The name in a title that this program wrote, without the account's label behind it."""
    return without_account(values.title.removeprefix(title_start(values.month, provider)), labels)


def name_in_title(values: Values, provider: ProviderName, labels: Collection[str] = ()) -> str:
    """The name in anybody's title like `2026-01 - openai - Production`; empty where it has another form or month.

    Args:
        values: The row's.
        provider: Its provider.
        labels: Labels of accounts, in brackets behind the name where there are several.
    """
    title, start = " ".join(values.title.split()), title_start(values.month, provider)
    name = title[len(start) :].strip() if folded(title).startswith(folded(start)) else ""
    return without_account(name, labels)


def month_of_title(title: str) -> str:
    """The month that a title begins with; empty where it begins with none."""
    found = _LEADING.match(title)
    return found[1] if found else ""


def tells_two_months(values: Values) -> bool:
    """Whether title and `Mois` tell different months: one of the two is a slip, and nobody knows which."""
    return bool(values.month) and month_of_title(values.title) not in ("", values.month)


def provider_of(row: Existing, services: Mapping[ProviderName, str]) -> ProviderName | None:
    """A row's provider: by its relation, or by its title where it has none (`2026-01 - OpenAI - …`).

    Args:
        row: The row.
        services: Page ids of the providers' rows in *Services*.
    """
    return next((name for name, page_id in services.items() if is_of_service(row, page_id, name)), None)


def is_of_service(row: Existing, service: str, provider: ProviderName) -> bool:
    """Whether a row is a service's; one that has lost its relation is known by its title."""
    values = row.values
    if values.service:
        return same_id(values.service, service)
    return folded(values.title).startswith(folded(title_start(values.month, provider)))


def same_id(left: str, right: str) -> bool:
    """Whether two ids are the same page's; Notion takes them with and without dashes."""
    return left.replace("-", "") == right.replace("-", "")

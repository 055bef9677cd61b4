"""The latest earlier row of projects and keys, whatever month it is of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from notion.client.gateway import Gateway
from notion.client.models import Page
from notion.databases.found import Found
from notion.rows.carried import Thing, thing_of
from notion.rows.titles import provider_of
from notion.rows.values import Existing, Values
from usage.month import Month
from usage.names import ProviderName

FIRST_YEAR: Final = 2015
"""Before any of the providers sold anything."""
_MOST: Final = 100
"""Conditions in one list, and rows in one page."""


class EarlierRows:
    """Reads earlier rows of *Usages*.

    One request, where a page of 100 rows has them all: the latest months come first. Where it does not, the next one
    asks only for what was not among them, so that new projects, which have no earlier rows, cost one request more, and
    not the whole history of the others.

    Args:
        gateway: The connection.
        usages: The database.
        services: Page ids of the providers' rows in *Services*.
        read: Makes a row of a page.
    """

    def __init__(
        self,
        gateway: Gateway,
        usages: Found,
        services: Mapping[ProviderName, str],
        read: Callable[[Iterable[Page]], list[Existing]],
    ) -> None:
        self._gateway, self._usages, self._services, self._read = gateway, usages, services, read

    def latest(self, month: Month, wanted: Iterable[Values]) -> dict[Thing, Existing]:
        """The latest row before a month of each thing that has one; of several in that month the oldest.

        Raises:
            NotionError: Notion can't be read.
        """
        left = {thing_of(values): values.key for values in wanted}
        found: dict[Thing, Existing] = {}
        while left:
            keys = list(dict.fromkeys(left.values()))[:_MOST]
            asked = {thing for thing, key in left.items() if key in keys}
            here, is_whole = self._ask(month, keys, asked)
            found |= here
            done = asked if is_whole else here.keys()
            left = {thing: key for thing, key in left.items() if thing not in done}
        return found

    def _ask(self, month: Month, keys: list[str], asked: Collection[Thing]) -> tuple[dict[Thing, Existing], bool]:
        """The first page that has any of what is asked for, and whether there is nothing more to read."""
        question = {"filter": {"and": [{"or": self._before(month)}, {"or": self._of(keys)}]}, "sorts": [self._last()]}
        found: dict[Thing, Existing] = {}
        for listing in self._gateway.query(self._usages.data_source_id, question, _MOST):
            for row in self._read(page for page in listing.results if not page.in_trash):
                thing = self._thing(row)
                if thing in asked:
                    found[thing] = _preferred(found.get(thing), row)
            if found:
                return found, not listing.has_more
        return found, True

    def _thing(self, row: Existing) -> Thing:
        """As what is asked for has it: rows that have lost their service are known by their titles."""
        provider = provider_of(row, self._services)
        return thing_of(row.values if provider is None else replace(row.values, service=self._services[provider]))

    def _before(self, month: Month) -> list[dict[str, Any]]:
        """Conditions for the months before one: texts have no order in Notion's filters."""
        column = self._usages.columns["Mois"].id
        first = month.first_day
        years = [{"starts_with": f"{year}-"} for year in range(FIRST_YEAR, first.year)]
        months = [{"equals": str(Month(first.year, number))} for number in range(1, first.month)]
        return [{"property": column, "rich_text": condition} for condition in (*years, *months)]

    def _of(self, keys: Iterable[str]) -> list[dict[str, Any]]:
        column = self._usages.columns["Projet/API Key"].id
        return [{"property": column, "rich_text": {"equals": key}} for key in keys]

    def _last(self) -> dict[str, Any]:
        return {"property": self._usages.columns["Mois"].id, "direction": "descending"}


def _preferred(one: Existing | None, other: Existing) -> Existing:
    if one is None or other.values.month > one.values.month:
        return other
    return one if one.values.month > other.values.month or one.age <= other.age else other

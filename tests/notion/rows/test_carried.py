"""What a new row takes over, for any history of months: the latest earlier row of its own thing, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from notion.client.gateway import Gateway
from notion.client.models import Page, PageListing, PropertySchema
from notion.databases.declared import USAGES
from notion.databases.found import Found
from notion.rows.carried import Carried, thing_of
from notion.rows.earlier import EarlierRows
from notion.rows.values import Existing, Values
from usage.grain import NO_PROJECT
from usage.month import Month
from usage.names import ProviderName

SERVICES = {ProviderName.OPENAI: "1111-aaaa", ProviderName.DEEPGRAM: "2222-bbbb"}
MADE = datetime(2026, 1, 1, tzinfo=UTC)
JUNE = Month(2025, 6)
COLUMNS = {name: PropertySchema(id=name, name=name, type="rich_text") for name in ("Mois", "Projet/API Key")}
USAGES_FOUND = Found(USAGES, "base", "source", "", (), COLUMNS)


def row(number: int, month: str, provider: ProviderName, key: str, workspace: str) -> Existing:
    values = Values(
        title=f"{month} - {provider.label} - {key}",
        service=SERVICES[provider].replace("-", "") if number % 2 else SERVICES[provider],
        month=month,
        key=key,
        workspace=workspace,
    )
    return Existing(f"page-{number}", MADE + timedelta(minutes=number % 3), values)


class Pages:
    """Answers a query as Notion does: what fulfils the filter, latest months first, a few rows in a page."""

    def __init__(self, rows: Iterable[Existing], size: int) -> None:
        self._rows, self._size = list(rows), size
        self.asked = 0

    def query(self, _source: str, question: dict[str, Any], _most: int) -> Iterator[PageListing]:
        months, keys = (part["or"] for part in question["filter"]["and"])
        found = [one for one in self._rows if any(self._fits(one, condition["rich_text"]) for condition in months)]
        wanted = {condition["rich_text"]["equals"] for condition in keys}
        assert len(wanted) <= 100
        found = sorted((one for one in found if one.values.key in wanted), key=lambda one: one.values.month)[::-1]
        for start in range(0, max(len(found), 1), self._size):
            self.asked += 1
            part = [Page(id=one.page_id, created_time=one.created) for one in found[start : start + self._size]]
            yield PageListing.model_construct(results=part, has_more=start + self._size < len(found))

    def read(self, pages: Iterable[Page]) -> list[Existing]:
        return [next(one for one in self._rows if one.page_id == page.id) for page in pages]

    @staticmethod
    def _fits(one: Existing, condition: dict[str, str]) -> bool:
        month = one.values.month
        return month == condition.get("equals") or month.startswith(condition.get("starts_with", "never"))


things = st.tuples(
    st.sampled_from(list(SERVICES)), st.sampled_from(["p1", "p2", "p3", NO_PROJECT]), st.sampled_from(["", "labo"])
)
months = st.sampled_from(["2024-12", "2025-04", "2025-05", "2025-06", "2025-07", "2026-05"])


@given(st.lists(st.tuples(months, things), max_size=30), st.sets(things, max_size=6), st.integers(2, 9))
def test_each_thing_gets_its_own_latest_earlier_row(
    history: list[tuple[str, Any]], new: set[tuple[ProviderName, str, str]], size: int
) -> None:
    rows = [row(number, month, *thing) for number, (month, thing) in enumerate(history)]
    wanted = [replace(row(0, "2025-06", *thing).values, service=SERVICES[thing[0]]) for thing in new]
    pages = Pages(rows, size)
    earlier = EarlierRows(cast("Gateway", pages), USAGES_FOUND, SERVICES, pages.read)
    found = earlier.latest(JUNE, wanted)
    for values in wanted:
        own = [one for one in rows if thing_of(one.values) == thing_of(values) and one.values.month < str(JUNE)]
        latest = max((one.values.month for one in own), default=None)
        got = found.get(thing_of(values))
        assert (None if got is None else got.values.month) == latest
    assert found.keys() <= {thing_of(values) for values in wanted}
    assert pages.asked <= 1 + len(rows) + len(wanted)
    assert Carried((), found).notes(Values(key="nobody")) == ((), ())


@given(st.integers(1, 250))
def test_one_request_for_each_hundred_new_things_without_a_past(count: int) -> None:
    wanted = [Values(service="1111-aaaa", month="2025-06", key=f"p{number}") for number in range(count)]
    pages = Pages((), 100)
    assert EarlierRows(cast("Gateway", pages), USAGES_FOUND, SERVICES, pages.read).latest(JUNE, wanted) == {}
    assert pages.asked == -(-count // 100)

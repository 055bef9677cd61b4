"""Raw pages of OpenAI to usage records. Pure: one page in, records out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeVar

from providers.amounts import RawAmount, amount
from providers.base import Wire
from providers.openai.endpoints import COSTS, Family
from providers.paging import Turn
from usage.errors import ContractError
from usage.month import Month
from usage.records import UsageRecord, cost_unit

_TOKEN_KINDS: Final = re.compile(r"input|output|cache|audio|image|text|token|training", re.IGNORECASE)
_UNNAMED_LINE: Final = "(ligne sans intitulé)"


class Amount(Wire):
    """An amount of money: US dollars, as a number or, in newer answers, as decimal text."""

    value: RawAmount = None
    currency: str | None = None


class CostResult(Wire):
    """One line of the costs report. Only `object` is promised."""

    amount: Amount | None = None
    line_item: str | None = None
    project_id: str | None = None
    api_key_id: str | None = None


class CostBucket(Wire):
    """One day of costs. Times are Unix seconds."""

    start_time: int
    results: list[CostResult]


class CostPage(Wire):
    """One page of the costs report."""

    data: list[CostBucket]
    has_more: bool | None = None
    next_page: str | None = None


class UsageResult(Wire):
    """One line of any usage report: the dimensions, and the measures of all families, each of which has its own."""

    project_id: str | None = None
    api_key_id: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    num_model_requests: int | None = None
    num_requests: int | None = None
    num_sessions: int | None = None
    images: int | None = None
    characters: int | None = None
    seconds: int | None = None
    usage_bytes: int | None = None


class UsageBucket(Wire):
    """One day of usage. Times are Unix seconds."""

    start_time: int
    results: list[UsageResult]


BucketT = TypeVar("BucketT", CostBucket, UsageBucket)


class UsagePage(Wire):
    """One page of a usage report."""

    data: list[UsageBucket]
    has_more: bool | None = None
    next_page: str | None = None


class Named(Wire):
    """A project or a key: its id and name."""

    id: str
    name: str | None = None


class NamedPage(Wire):
    """One page of a registry."""

    data: list[Named]
    has_more: bool | None = None
    last_id: str | None = None


def report_turn(page: CostPage | UsagePage) -> Turn:
    """Where the report goes on.

    A day may fill several pages (no cap on a bucket's lines is documented), but a line never comes twice: the days and
    the outermost lines tell pages apart. A token that comes without `has_more` ends the report like a null one.
    """
    lines = [line for bucket in (page.data[:1] + page.data[-1:]) for line in (bucket.results[:1] + bucket.results[-1:])]
    days = tuple((bucket.start_time, len(bucket.results)) for bucket in page.data)
    return Turn(page.has_more is True, page.next_page, (days, *lines) if page.data else None)


def registry_turn(page: NamedPage) -> Turn:
    """Where a registry goes on. The published examples have `last_id` in another spelling than the items' ids: the
    last item's own id comes first."""
    last = page.data[-1].id if page.data else page.last_id
    return Turn(page.has_more, last if page.has_more else None, page.data[0].id if page.data else None)


def days_of(buckets: Iterable[BucketT], month: Month) -> Iterator[BucketT]:
    """The days that belong to the month: whether a range holds its end must not matter."""
    start, end = month.start.timestamp(), month.end.timestamp()
    return (bucket for bucket in buckets if start <= bucket.start_time < end)


def cost_records(page: CostPage, month: Month) -> Iterator[UsageRecord]:
    """One record for each line of the month's costs; no line is dropped.

    Raises:
        ContractError: An amount that is not a number.
    """
    for bucket in days_of(page.data, month):
        for result in bucket.results:
            model, item = read_line_item(result.line_item)
            money = result.amount or Amount()
            value = amount(money.value, COSTS)
            # Another currency than dollars was never seen; should it come, it is not counted as dollars.
            foreign = value is not None and (money.currency or "usd").lower() != "usd"
            yield UsageRecord(
                project=result.project_id or None,
                api_key=result.api_key_id or None,
                model=model,
                item=item,
                cost=None if foreign else value,
                units=((cost_unit(money.currency or ""), value),) if foreign and value is not None else (),
                missing_amounts=1 if value is None else 0,
            )


def usage_records(page: UsagePage, family: Family, month: Month) -> Iterator[UsageRecord]:
    """One record for each line of the month's usage of one family.

    Raises:
        ContractError: The family's own measure is missing.
    """
    for bucket in days_of(page.data, month):
        for result in bucket.results:
            yield UsageRecord(
                project=result.project_id or None,
                api_key=result.api_key_id or None,
                model=None if family.item else result.model or None,
                item=family.item,
                tokens_input=_required(result.input_tokens, family, "input_tokens") if family.tokens_in else None,
                tokens_output=_required(result.output_tokens, family, "output_tokens") if family.tokens_out else None,
                requests=_required(result.num_model_requests, family, "num_model_requests")
                if family.requests
                else None,
                units=((family.unit.value, Decimal(_required(_measure(result, family), family, family.measure))),)
                if family.unit
                else (),
            )


# A month repeats a few hundred of them in hundreds of thousands of lines.
@lru_cache(maxsize=4096)
def read_line_item(text: str | None) -> tuple[str | None, str | None]:
    """Model and item of a cost line: `(model, None)` or `(None, item)`.

    The text is made for people and has no published grammar. Seen: `gpt-5.5, input`, `priority | gpt-5.6-sol, output,
    long context`, `gpt-audio-mini audio, input`, `gpt-realtime-2.1, audio input`, `web search tool calls`.
    """
    line = (text or "").strip()
    if not line:
        return None, _UNNAMED_LINE
    rest = re.sub(r"^\w+ \| ", "", line)
    first, comma, kind = rest.partition(", ")
    words = first.split()
    if comma and words and _TOKEN_KINDS.search(kind):
        return words[0], None
    return None, line


def _measure(result: UsageResult, family: Family) -> int | None:
    value: int | None = getattr(result, family.measure)
    return value


def _required(value: int | None, family: Family, field: str) -> int:
    if value is None:
        raise ContractError(
            f"{family.path} ne répond plus comme prévu : champ data.results.{field}, attendu : un entier."
        )
    return value

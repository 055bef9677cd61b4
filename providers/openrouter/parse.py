"""Raw pages of OpenRouter to figures. Pure: one page in, lines out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final

from pydantic import AliasChoices, BeforeValidator, Field

from providers.openrouter.endpoints import KEYS_PER_PAGE, QUERY, WORKSPACES_PER_PAGE
from providers.shared.amounts import RawAmount, believable_amount
from providers.shared.answers import ApiModel
from providers.shared.lines import Lines, Notes, Whole
from providers.shared.paging import NextPage
from usage.errors import ContractError
from usage.language.saying import say
from usage.language.sentence import SILENCE, Sentence
from usage.peers.contract import unexpected
from usage.records.record import NO_UNITS, Unit, UsageRecord


def _day(text: object) -> object:
    """The UTC day of `2026-01-31` or of a full ISO instant: both are published."""
    if not isinstance(text, str) or len(text) <= len("2026-01-31"):
        return text
    instant = datetime.fromisoformat(text)
    try:
        return (instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)).date()
    except OverflowError:
        # Within hours of the calendar's ends.
        raise ValueError("no day in UTC") from None


def _digits(value: object) -> object:
    """A count that is written as text, as a number; anything else is left for the field to refuse."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,17}", value) else value


_MILLISECONDS: Final = range(10**12, 10**13)
"""Since 1970, from 2001 to 2286."""


def _stored_at(value: object) -> object:
    """The instant of a number of milliseconds. One that no answer can have been stored at is as good as none."""
    try:
        milliseconds = int(value) if isinstance(value, int | Decimal | str) else 0
    except (ValueError, ArithmeticError):
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds in _MILLISECONDS else None


Counted = Annotated[Whole, BeforeValidator(_digits)]

_DAY_COLUMNS: Final = ["date__day", "created_at__day"]
_TIME_COLUMNS: Final = ["date__month", "created_at__month", *_DAY_COLUMNS]


class Row(ApiModel):
    """One row of analytics. Counts come as numbers or as text, money as numbers (USD), either as null."""

    unused: ClassVar = frozenset(_TIME_COLUMNS)
    day: Annotated[date, BeforeValidator(_day)] = Field(validation_alias=AliasChoices(*_TIME_COLUMNS))
    """First day of the bucket. The column's name depends on the data source and on the granularity."""
    day_bucket: object = Field(default=None, validation_alias=AliasChoices(*_DAY_COLUMNS))
    """The same where the bucket is a day; None where it is a month."""
    api_key_id: str | None = None
    """Name of the key, or its masked value where it has no name. Neither an id nor unique."""
    workspace: str | None = None
    """Name of the workspace."""
    model: str | None = None
    request_count: Counted | None
    tokens_prompt: Counted | None
    tokens_completion: Counted | None
    credits_usage: RawAmount
    byok_usage: RawAmount
    total_usage: RawAmount


class Metadata(ApiModel):
    """What an answer says about itself."""

    truncated: bool


class Result(ApiModel):
    """An answer's rows."""

    data: Lines[Row]
    metadata: Metadata
    cached_at: Annotated[datetime | None, BeforeValidator(_stored_at)] = Field(
        default=None, validation_alias="cachedAt"
    )
    """Where the answer is a stored one: when it was made."""
    warnings: tuple[str, ...] | None = None


class QueryPage(ApiModel):
    """The answer to an analytics query. It has no further pages: what is too long is cut, and says so."""

    data: Result


class Workspace(ApiModel):
    """A workspace."""

    id: str
    name: str | None = None


class WorkspacePage(ApiModel):
    """One page of workspaces."""

    data: Lines[Workspace]
    total_count: int | None = None
    """Where it is not told, a page that is not full is the last."""


class Key(ApiModel):
    """An API key. Older answers lack most fields."""

    hash: str
    """The id."""
    name: str | None = None
    label: str | None = None
    """Masked value."""
    created_at: datetime | None = None
    workspace_id: str | None = None
    usage: RawAmount = None
    """Credits that the key has used in its whole life, USD."""

    @property
    def shown(self) -> str:
        """What analytics call it."""
        return self.name or self.label or ""


class KeyPage(ApiModel):
    """One page of keys."""

    data: Lines[Key]


class OwnKey(ApiModel):
    """The key that asks. The second field is the older name of the first."""

    is_management_key: bool | None = None
    is_provisioning_key: bool | None = None


class OwnKeyPage(ApiModel):
    """The answer about the key that asks."""

    data: OwnKey


@dataclass(frozen=True, slots=True)
class Line:
    """One row of an answer: its figures, not yet given to a workspace and a key, and the names that stand beside them.

    `key` and `workspace` are names, None where the usage belongs to none or the row was not asked for by them.
    """

    day: date
    key: str | None
    workspace: str | None
    figures: UsageRecord


def next_workspaces_page(page: WorkspacePage, offset: str | None) -> NextPage:
    """Where the next page of workspaces begins; `offset` is where this one did."""
    data, total = page.data, page.total_count
    given = _count_entries(data)
    read = int(offset or 0) + given
    more = given >= WORKSPACES_PER_PAGE if total is None else read < total
    # An empty page before the announced end has no token: the reader refuses it, as workspaces would be lost.
    return NextPage(more, str(read) if more and given else None, data[0].id if data else None)


def next_keys_page(page: KeyPage, offset: str | None) -> NextPage:
    """Where the next page of keys begins; `offset` is where this one did."""
    given = _count_entries(page.data)
    following = str(int(offset or 0) + given) if given >= KEYS_PER_PAGE else None
    return NextPage(None, following, page.data[0].hash if page.data else None)


def _count_entries(data: Lines[Any]) -> int:
    """How many entries a page has, those that can't be read among them."""
    return len(data) + sum(data.odd.values())


def read_lines(page: QueryPage, dimensions: tuple[str, ...], notes: Notes) -> Iterator[Line]:
    """The rows of an answer to a query by these dimensions.

    Raises:
        ContractError: No row can be read. One that lacks a dimension, or has an odd figure, is left out and noted.
    """
    rows = page.data.data
    notes.take(rows, QUERY)
    odd = sum(rows.odd.values())
    for row in rows:
        problem = _problem(row, dimensions)
        if problem:
            odd += 1
            notes.drop(QUERY, problem)
        else:
            yield _line(row)
    if odd and odd == _count_entries(rows):
        raise ContractError(unexpected(QUERY, next(iter(notes.odd))))


def _problem(row: Row, dimensions: tuple[str, ...]) -> Sentence:
    lacking = next((name for name in dimensions if name not in row.model_fields_set), None)
    if lacking is not None:
        return say("field {field}, expected: {expected}", field=lacking, expected=say("a value"))
    try:
        for raw in (row.credits_usage, row.byok_usage, row.total_usage):
            believable_amount(raw, QUERY)
    except ContractError:
        return say("an amount is not a number")
    return SILENCE


def _line(row: Row) -> Line:
    cost, byok = _credits(row), believable_amount(row.byok_usage, QUERY)
    figures = UsageRecord(
        day=None if row.day_bucket is None else row.day,
        model=row.model or None,
        cost=cost,
        tokens_input=row.tokens_prompt,
        tokens_output=row.tokens_completion,
        requests=row.request_count,
        units=((Unit.BYOK_USD.value, byok),) if byok else NO_UNITS,
        missing_amounts=1 if cost is None else 0,
    )
    return Line(row.day, row.api_key_id or None, row.workspace or None, figures)


def _credits(row: Row) -> Decimal | None:
    """The cost, USD; None where the provider does not give it.

    Components of money that were never used are null. Credits are such a component where the total that comes with
    them is the estimate for own keys and nothing else; a row that says null to all of it was free.
    """
    value = believable_amount(row.credits_usage, QUERY)
    if value is not None or not {"credits_usage", "total_usage"} <= row.model_fields_set:
        return value
    total, byok = (
        believable_amount(row.total_usage, QUERY) or Decimal(0),
        believable_amount(row.byok_usage, QUERY) or Decimal(0),
    )
    return Decimal(0) if total == byok else None

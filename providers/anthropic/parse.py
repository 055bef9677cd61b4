"""Raw pages of Anthropic to usage records. Pure: one page in, records out.

Amounts arrive as decimal text in US cents and leave as dollars.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, ClassVar, Final, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from providers.shared.amounts import RawAmount, Written, amount, dollars_or_unit
from providers.shared.answers import ApiModel
from providers.shared.lines import Lines, Notes, Whole
from providers.shared.paging import NextPage
from usage.errors import ContractError
from usage.language.saying import say
from usage.money import cents_to_dollars
from usage.month import Month
from usage.peers.contract import expected
from usage.records.record import NO_UNITS, Unit, UsageRecord

CODE_EXECUTION: Final = "code_execution"
"""Anthropic's own word, as in `cost_type`."""


class CacheCreation(ApiModel):
    """Tokens written to the cache, by how long they are kept there."""

    ephemeral_5m_input_tokens: Whole | None = None
    ephemeral_1h_input_tokens: Whole | None = None

    @property
    def tokens(self) -> int:
        """All of them."""
        return (self.ephemeral_5m_input_tokens or 0) + (self.ephemeral_1h_input_tokens or 0)


class ServerTools(ApiModel):
    """Tools that ran on Anthropic's side."""

    web_search_requests: Whole | None = None


class Counts(ApiModel):
    """What was counted, alike in both generations of reports; the older one counts no requests.

    Rows from before the cache was counted lack its fields.
    """

    unused: ClassVar[frozenset[str]] = frozenset({"total_tokens"})

    uncached_input_tokens: Whole
    cache_read_input_tokens: Whole | None = None
    cache_creation: CacheCreation | None = None
    output_tokens: Whole
    requests: Whole | None = None
    server_tool_use: ServerTools | None = None

    @property
    def input_tokens(self) -> int:
        """All tokens in: `uncached_input_tokens` holds neither those read from the cache nor those written to it."""
        written = self.cache_creation.tokens if self.cache_creation else 0
        return self.uncached_input_tokens + (self.cache_read_input_tokens or 0) + written

    @property
    def searches(self) -> int:
        """Web searches; Anthropic bills them apart from the tokens."""
        return (self.server_tool_use and self.server_tool_use.web_search_requests) or 0


class Money(ApiModel):
    """An amount in cents, after discount and before credits."""

    unused: ClassVar[frozenset[str]] = frozenset({"list_amount", "requests"})

    amount: RawAmount = None
    currency: str | None = None


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        # Within hours of the calendar's ends.
        raise ValueError("no instant in UTC") from None


def _if_readable(value: object, read: ValidatorFunctionWrapHandler) -> datetime | None:
    try:
        instant: datetime | None = read(value)
    except ValidationError:
        # Without it, the line's day is not known; that is all.
        return None
    return instant


class Line(ApiModel):
    """A row of a newer report, or a day of an older one. It begins at `starting_at`."""

    starting_at: AwareDatetime
    ending_at: Annotated[AwareDatetime | None, WrapValidator(_if_readable)] = None

    @property
    def day(self) -> date | None:
        """The UTC day that it is about; None where it is about more than one, or does not say."""
        if self.ending_at is None or self.ending_at - self.starting_at > timedelta(days=1):
            return None
        return self.starting_at.astimezone(UTC).date()

    @property
    def mark(self) -> Hashable:
        """What no other line of the same report has."""
        return self.starting_at

    @property
    def has_figures(self) -> bool:
        """Whether there is anything in it that could be counted twice."""
        return True


class Group(ApiModel):
    """Whose and what a row of a newer report is; the default workspace has its real id here."""

    # All of them are there, and null but for what is grouped by.
    unused: ClassVar[frozenset[str]] = frozenset(
        {
            "actor",
            "actor_type",
            "agent_id",
            "claude_tag_category",
            "claude_tag_user_id",
            "context_window",
            "deployment_id",
            "environment_id",
            "inference_geo",
            "organization_id",
            "product",
            "rbac_group_id",
            "service_tier",
            "session_id",
            "slack_channel_id",
            "speed",
            "token_type",
            "user_profile_id",
        }
    )

    workspace_id: str | None = None
    api_key_id: str | None = None
    model: str | None = None
    cost_type: str | None = None


class AnalyticsLine(Line):
    """A row of a newer report: one group over the whole range."""

    group: Group

    @property
    def mark(self) -> Hashable:
        """Its period and group."""
        return self.starting_at, self.group


class AnalyticsUsage(AnalyticsLine):
    """Usage of one group."""

    usage: Counts


class AnalyticsCost(AnalyticsLine):
    """Cost of one group. Its `requests` are not read: they are null when costs are grouped by type."""

    cost: Money


_OLDER_DIMENSIONS: Final = frozenset(
    {"account_id", "api_key_id", "context_window", "inference_geo", "service_account_id", "service_tier", "speed"}
)


class OlderUsageResult(Counts):
    """Usage of one group on one day; `workspace_id` is null for the default workspace."""

    unused: ClassVar[frozenset[str]] = _OLDER_DIMENSIONS

    workspace_id: str | None = None
    model: str | None = None


class OlderCostResult(Money):
    """Cost of one group on one day; `workspace_id` is null for the default workspace."""

    unused: ClassVar[frozenset[str]] = _OLDER_DIMENSIONS | {"token_type"}

    workspace_id: str | None = None
    model: str | None = None
    cost_type: str | None = None
    description: str | None = None


R = TypeVar("R", OlderUsageResult, OlderCostResult)


class OlderDay(Line, Generic[R]):
    """One day of an older report; a day without figures is there too, with no results."""

    results: Lines[R]

    @property
    def has_figures(self) -> bool:
        """Whether it has any results."""
        return bool(self.results)


L = TypeVar("L", bound=Line)


class ReportPage(ApiModel, Generic[L]):
    """One page of any report. Only the newer ones say how far their data goes."""

    data: Lines[L]
    has_more: bool | None = None
    next_page: str | None = None
    data_refreshed_at: Annotated[AwareDatetime, AfterValidator(_in_utc)] | None = None

    def within(self, month: Month) -> Iterator[L]:
        """Lines that begin in the month: should an end be taken as inclusive, the day after it is left out."""
        return (line for line in self.data if month.start <= line.starting_at < month.end)

    def count_before(self, month: Month) -> int:
        """How many lines begin before the month. None was asked for."""
        return sum(line.starting_at < month.start for line in self.data)

    def is_past(self, month: Month) -> bool:
        """Whether all of the page lies past the month."""
        return bool(self.data) and all(line.starting_at >= month.end for line in self.data)


class Named(ApiModel):
    """A workspace or an API key: its id and name, the same in all versions of the API.

    Where a key belongs differs between versions (`scope` or `workspace_id`); the reports tell it themselves.
    """

    id: str
    name: str | None = None
    status: str | None = None
    """Of keys: `archived` and others."""


class NamedPage(ApiModel):
    """One page of a registry."""

    data: list[Named]
    has_more: bool | None = None
    last_id: str | None = None


class Organization(ApiModel):
    """The organization that a key belongs to."""

    id: str | None = None
    name: str | None = None


def next_report_page(page: ReportPage[L], month: Month) -> NextPage:
    """Where a report goes on. Groups and days never come twice.

    `has_more` may be missing according to the vendor's own package; a token alone ends the report like a null one.
    """
    return NextPage(
        page.has_more is True,
        page.next_page,
        (page.data[0].mark, page.data[-1].mark) if page.data else None,
        lines=any(line.has_figures for line in page.data),
        past=page.is_past(month),
    )


def next_registry_page(page: NamedPage, _: str | None = None) -> NextPage:
    """Where a registry goes on: after the last id."""
    last = page.last_id or (page.data[-1].id if page.data else None)
    return NextPage(page.has_more, last if page.has_more else None, page.data[0].id if page.data else None)


@dataclass(frozen=True, slots=True)
class LineNotes:
    """What is noted of a report's lines while they become records. `where` is the report's path."""

    where: str
    notes: Notes
    written: Written


def analytics_usage(line: AnalyticsUsage, _: LineNotes) -> Iterator[UsageRecord]:
    """Usage of a workspace, key and model. What has no model is code execution: executions are not requests."""
    group, counts = line.group, line.usage
    model = group.model or None
    executions = 0 if model else counts.requests or 0
    yield UsageRecord(
        workspace=group.workspace_id or None,
        api_key=group.api_key_id or None,
        model=model,
        item=None if model else CODE_EXECUTION,
        tokens_input=counts.input_tokens,
        tokens_output=counts.output_tokens,
        requests=counts.requests if model else None,
        units=_calls(counts.searches + executions),
    )


def analytics_cost(line: AnalyticsCost, line_notes: LineNotes) -> Iterator[UsageRecord]:
    """Cost of a workspace, key and model, or of a type of cost that has no model."""
    group = line.group
    yield _cost(line.cost, line_notes, group.workspace_id, group.model, group.cost_type, api_key=group.api_key_id)


def older_usage(line: OlderDay[OlderUsageResult], _: LineNotes) -> Iterator[UsageRecord]:
    """Usage of a day by workspace and model; requests are not counted here."""
    for result in line.results:
        yield UsageRecord(
            workspace=result.workspace_id or None,
            model=result.model or None,
            tokens_input=result.input_tokens,
            tokens_output=result.output_tokens,
            units=_calls(result.searches),
        )


def older_cost(line: OlderDay[OlderCostResult], line_notes: LineNotes) -> Iterator[UsageRecord]:
    """Cost of a day by workspace and model, or by type of cost where there is no model."""
    for result in line.results:
        yield _cost(result, line_notes, result.workspace_id, result.model, result.cost_type or result.description)


def _cost(
    money: Money,
    line_notes: LineNotes,
    workspace: str | None,
    model: str | None,
    item: str | None,
    *,
    api_key: str | None = None,
) -> UsageRecord:
    """A record of money. An amount that can't be read is a missing one, and noted."""
    value = None
    try:
        cents = amount(money.amount, line_notes.where)
        value = None if cents is None else cents_to_dollars(cents)
    except ContractError:
        line_notes.notes.lose(line_notes.where, expected("amount", say("a number")))
    if value is not None:
        line_notes.written.add(value, money.amount)
    cost, units = dollars_or_unit(value, money.currency)
    return UsageRecord(
        workspace=workspace or None,
        api_key=api_key or None,
        model=model or None,
        item=None if model else item or None,
        cost=cost,
        units=units,
        missing_amounts=1 if value is None else 0,
    )


def _calls(count: int) -> tuple[tuple[str, Decimal], ...]:
    return ((Unit.CALLS.value, Decimal(count)),) if count else NO_UNITS

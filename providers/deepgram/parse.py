"""Raw answers of Deepgram to usage records. Pure: one answer in, records out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Final

from providers.amounts import RawAmount, amount
from providers.base import Wire
from usage.errors import ContractError
from usage.month import Month
from usage.records import Unit, Units, UsageRecord

_UNNAMED_ITEM: Final = "(ligne sans intitulé)"


class Resolution(Wire):
    """Size of the buckets."""

    units: str
    amount: Decimal


class Group(Wire):
    """What a row stands for. A dimension that was not grouped by is null."""

    start: date | None = None
    accessor: str | None = None
    models: str | list[str] | None = None
    """A list; the description of 2025 has a single text."""
    line_item: str | None = None


class BillingRow(Wire):
    """One line of the billing breakdown. `dollars` is a JSON number, here with the digits it was written with."""

    dollars: RawAmount = None
    grouping: Group | None = None


class UsageRow(Wire):
    """One line of the usage breakdown. Every number is promised, but zeros are left out in practice."""

    total_hours: Decimal | None = None
    agent_hours: Decimal | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    tts_characters: Decimal | None = None
    requests: int | None = None
    grouping: Group | None = None


class Billing(Wire):
    """The billing breakdown of a period."""

    resolution: Resolution
    results: list[BillingRow]


class Usage(Wire):
    """The usage breakdown of a period."""

    resolution: Resolution
    results: list[UsageRow]


class Project(Wire):
    """A project."""

    project_id: str
    name: str | None = None


class Projects(Wire):
    """The projects that the key sees."""

    projects: list[Project]


class ApiKey(Wire):
    """An API key; `comment` is the name people gave it."""

    api_key_id: str
    comment: str | None = None


class OwnedKey(Wire):
    """A key in the list. Its owner's address comes along in the answer and is not read."""

    api_key: ApiKey


class ApiKeys(Wire):
    """The keys of a project."""

    api_keys: list[OwnedKey]


def money_records(answer: Billing, project: str, month: Month, where: str) -> Iterator[UsageRecord]:
    """One record for each line of the billing breakdown within the month, in USD.

    Args:
        answer: The whole answer; it has no pages.
        project: The project it is about.
        month: Lines of other days are dropped.
        where: The endpoint, for messages.

    Raises:
        ContractError: Buckets are not days, a line with an amount has no day, or an amount is not a number.
    """
    _require_days(answer.resolution, where)
    for row in answer.results:
        group, dollars = row.grouping or Group(), amount(row.dollars, where)
        if not _falls_in(group, month, empty=dollars == 0, where=where):
            continue
        yield UsageRecord(
            project=project,
            api_key=group.accessor or None,
            item=group.line_item or _UNNAMED_ITEM,
            cost=dollars,
            missing_amounts=1 if dollars is None else 0,
        )


def usage_records(
    answer: Usage, project: str, month: Month, where: str, *, api_key: str | None = None
) -> Iterator[UsageRecord]:
    """One record for each line of the usage breakdown within the month. A line of zeros stands for nothing.

    Args:
        answer: The whole answer; it has no pages.
        project: The project it is about.
        month: Lines of other days are dropped.
        where: The endpoint, for messages.
        api_key: The key that the answer was narrowed to, if it was.

    Raises:
        ContractError: Buckets are not days, or a line with figures has no day.
    """
    _require_days(answer.resolution, where)
    for row in answer.results:
        group = row.grouping or Group()
        tokens_in, tokens_out = _tokens(row)
        units, requests = _units(row), row.requests or None
        empty = not units and requests is None and tokens_in is None
        if not _falls_in(group, month, empty=empty, where=where) or empty:
            continue
        yield UsageRecord(
            project=project,
            api_key=api_key or group.accessor or None,
            model=_label(group.models),
            tokens_input=tokens_in,
            tokens_output=tokens_out,
            requests=requests,
            units=units,
        )


def _require_days(resolution: Resolution, where: str) -> None:
    # A coarser bucket could lie across the end of the month.
    if resolution.units != "day" or resolution.amount != 1:
        raise ContractError(f"{where} ne répond plus jour par jour : le mois ne peut pas être découpé.")


def _falls_in(group: Group, month: Month, *, empty: bool, where: str) -> bool:
    if group.start is not None:
        return month.contains(group.start)
    # Programs in use expect lines without a group. One without figures is no loss; any other can't be given to a month.
    if empty:
        return False
    raise ContractError(f"{where} ne répond plus comme prévu : une ligne n’a pas de jour (results.grouping.start).")


def _tokens(row: UsageRow) -> tuple[int | None, int | None]:
    """Tokens are those of the voice agent's language model: other usage has none, which zeros in the answer hide."""
    if not (row.agent_hours or row.tokens_in or row.tokens_out):
        return None, None
    return row.tokens_in or 0, row.tokens_out or 0


def _units(row: UsageRow) -> Units:
    # `total_hours` counts each channel, as billing does; `hours` does not.
    measures = (
        (Unit.AGENT_HOURS, row.agent_hours),
        (Unit.CHARACTERS, row.tts_characters),
        (Unit.HOURS, row.total_hours),
    )
    return tuple((unit.value, value) for unit, value in measures if value)


def _label(models: str | list[str] | None) -> str | None:
    """The model's name; of several that served one request, all of them in one label."""
    names = [models] if isinstance(models, str) else models or []
    return " + ".join(name for name in names if name) or None

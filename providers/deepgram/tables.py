"""Reads one project's two tables, money and usage, each checked against a second reading of the same thing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from providers.amounts import FLOAT_TOLERANCE, control
from providers.base import Job
from providers.deepgram.endpoints import (
    BY_KEY,
    BY_KEY_AND_ITEM,
    BY_MODEL,
    UNGROUPED,
    billing_of,
    days_of,
    for_key,
    usage_of,
)
from providers.deepgram.parse import Billing, Usage, money_records, usage_records
from providers.http import Params
from providers.parts import Part, gap_of, read_parts
from usage.errors import ContractError, SourceError
from usage.money import difference, exact_sum
from usage.names import Grain
from usage.records import UsageRecord
from usage.report import Control, Gap, GapKind
from usage.sums import MonthSums

Records = tuple[UsageRecord, ...]

_MODELS: Final = "le détail par modèle"


@dataclass(frozen=True, slots=True)
class Table:
    """What was read of one project: its money, or its usage.

    `checked` is the control total, where one was read.
    """

    records: Records
    gaps: tuple[Gap, ...] = ()
    remarks: tuple[str, ...] = ()
    checked: Control | None = None


async def read_money(job: Job, project: str) -> Table:
    """A project's US dollars by key and line item, held against the ungrouped total once the month is over.

    Both are read once more before a mismatch is believed.

    Raises:
        SourceError: The lines could not be read.
    """
    records = await _billing(job, project, BY_KEY_AND_ITEM)
    if job.month.is_running(job.now):
        return Table(records)
    checked = await _control(job, project, records)
    if checked is not None and not checked.agrees:
        records = await _billing(job, project, BY_KEY_AND_ITEM)
        checked = await _control(job, project, records)
    if checked is None or checked.agrees:
        return Table(records, checked=checked)
    sentence = "La somme des lignes de facturation ne correspond pas au total de Deepgram."
    return Table(records, (Gap(kind=GapKind.MISSING, sentence=sentence),), checked=checked)


async def read_usage(job: Job, project: str) -> Table:
    """A project's usage, once: by model, and by key as well where a row is a key.

    The tables by key and by model describe the same usage. Their figures are compared once the month is over, and read
    once more before a mismatch is believed; then the table by key stands, as every request has one key or none.

    Raises:
        SourceError: The usage could not be read.
    """
    read = await _read_both(job, project)
    if job.month.is_running(job.now):
        return Table(read.records({}), read.gaps, read.remarks)
    if read.disputed():
        read = await _read_both(job, project)
    disputed = read.disputed()
    sentence = (
        "L’usage par modèle et l’usage par clé de Deepgram ne concordent pas : les modèles ne sont pas détaillés."
    )
    gaps = (Gap(kind=GapKind.MISSING, sentence=sentence),) if disputed else ()
    return Table(read.records(disputed), (*read.gaps, *gaps), read.remarks)


@dataclass(frozen=True, slots=True)
class _Both:
    """The same usage twice, by group: the key where a row is a key, else None for the whole project.

    `by_key` is None when it could not be read; `by_model` lacks the groups that could not.
    """

    by_key: dict[str | None, Records] | None
    by_model: dict[str | None, Records]
    gaps: tuple[Gap, ...] = ()
    remarks: tuple[str, ...] = ()

    def disputed(self) -> dict[str | None, Records]:
        """Groups whose figures differ, with those of the table by key."""
        if self.by_key is None:
            return {}
        pairs = ((group, self.by_key.get(group, ()), records) for group, records in self.by_model.items())
        return {group: by_key for group, by_key, by_model in pairs if not same_figures(by_key, by_model)}

    def records(self, disputed: dict[str | None, Records]) -> Records:
        """Every group once: by model, unless its models were not read or are disputed."""
        chosen = {**(self.by_key or {}), **self.by_model}
        # Nothing at all by key says less than something by model.
        chosen.update({group: by_key for group, by_key in disputed.items() if by_key})
        return tuple(record for records in chosen.values() for record in records)


async def _read_both(job: Job, project: str) -> _Both:
    by_key_grain = job.grain is Grain.API_KEY
    by_key: dict[str | None, Records] | None = None
    failure: SourceError | None = None
    try:
        by_key = _grouped(await _usage(job, project, BY_KEY), by_key=by_key_grain)
    except ContractError:
        raise
    except SourceError as error:
        # Rows of projects can do without; rows of keys can't.
        if by_key_grain:
            raise
        failure = error
    keys = [key for key in by_key or () if key is not None] if by_key_grain else [None]
    by_model, gaps = await _by_model(job, project, keys)
    if failure is None:
        return _Both(by_key, by_model, gaps)
    if not by_model:
        raise failure
    return _Both(None, by_model, gaps, (f"L’usage par modèle n’a pas été comparé à l’usage par clé : {failure}",))


async def _by_model(
    job: Job, project: str, keys: Sequence[str | None]
) -> tuple[dict[str | None, Records], tuple[Gap, ...]]:
    """Usage by model of each of the keys; None is the whole project. Those that fail leave a gap."""
    try:
        read = await read_parts([Part(_MODELS, _usage(job, project, BY_MODEL, api_key=key)) for key in keys])
    except ContractError:
        raise
    except SourceError as error:
        return {}, (gap_of(_MODELS, error),)
    found = {key: records for key, records in zip(keys, read.values, strict=True) if records is not None}
    return found, read.gaps


def _grouped(records: Iterable[UsageRecord], *, by_key: bool) -> dict[str | None, Records]:
    groups: dict[str | None, list[UsageRecord]] = {}
    for record in records:
        groups.setdefault(record.api_key if by_key else None, []).append(record)
    return {group: tuple(members) for group, members in groups.items()}


def same_figures(left: Iterable[UsageRecord], right: Iterable[UsageRecord]) -> bool:
    """Whether two readings come to the same sums. Hours are floats at Deepgram: their last digits may differ."""
    ours, theirs = _figures(left), _figures(right)
    nothing = Decimal(0)
    return all(
        abs(difference(ours.get(name, nothing), theirs.get(name, nothing))) <= FLOAT_TOLERANCE
        for name in ours.keys() | theirs.keys()
    )


def _figures(records: Iterable[UsageRecord]) -> dict[str, Decimal]:
    figures: dict[str, list[Decimal]] = {}
    for record in records:
        counts = {
            "requests": record.requests,
            "tokens_input": record.tokens_input,
            "tokens_output": record.tokens_output,
        }
        for name, value in (*counts.items(), *record.units):
            figures.setdefault(name, []).append(Decimal(value or 0))
    return {name: exact_sum(values) or Decimal(0) for name, values in figures.items()}


async def _control(job: Job, project: str, records: Records) -> Control | None:
    """The ungrouped total against the lines; None where there is neither, or no total to be had."""
    try:
        total = await _billing(job, project, UNGROUPED)
    except ContractError:
        raise
    except SourceError:
        # The lines themselves were read; without the total they are just not checked, and the log shows no check.
        return None
    if not total and not records:
        return None
    return control(
        exact_sum(record.cost for record in total) or Decimal(0),
        exact_sum(record.cost for record in records) or Decimal(0),
        exact=False,
    )


async def _billing(job: Job, project: str, grouping: Params) -> Records:
    path = billing_of(project)
    answer = await job.http.get(path, [*days_of(job.month, job.now), *grouping])
    job.on_page()
    return _summed(job, money_records(answer.parse(Billing), project, job.month, path))


async def _usage(job: Job, project: str, grouping: Params, *, api_key: str | None = None) -> Records:
    path = usage_of(project)
    narrowed = for_key(api_key) if api_key else []
    answer = await job.http.get(path, [*days_of(job.month, job.now), *grouping, *narrowed])
    job.on_page()
    return _summed(job, usage_records(answer.parse(Usage), project, job.month, path, api_key=api_key))


def _summed(job: Job, records: Iterable[UsageRecord]) -> Records:
    sums = MonthSums(job.source)
    sums.add(records)
    return sums.records()

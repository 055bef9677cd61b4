"""Reads one project's usage: two tables of the same usage, of which one alone may be counted.

By key, every request stands under its key or under none; by model, under its models or under none. Where the two
differ, the usage without groups tells which of them lacks something, and what is lacking is counted without a model,
or without a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import Enum, auto
from typing import Final

from msgspec import structs

from providers.deepgram.days import SETTLING, asked_days, common_days
from providers.deepgram.endpoints import BY_KEY, BY_MODEL, UNGROUPED, for_key, usage_of
from providers.deepgram.parse import BreakdownFigures, ProjectFigures, Records, Usage, parse_usage
from providers.shared.amounts import FLOAT_TOLERANCE, sum_known
from providers.shared.control import believe_twice
from providers.shared.http import Params
from providers.shared.job import Job
from providers.shared.lines import Notes
from providers.shared.parts import Part, gap_of, read_parts
from usage.errors import SourceError
from usage.language.saying import say
from usage.language.sentence import SILENCE, Sentence
from usage.money import difference, plain
from usage.names import Grain
from usage.outcomes.report import Gap, GapKind
from usage.records.record import UsageRecord

Group = str | None
"""A key where a row is a key; None is usage without one, or the whole project where a row is a project."""

_COUNTS: Final = ("requests", "tokens_input", "tokens_output")


async def read_usage(job: Job, project: str) -> ProjectFigures:
    """A project's usage, once: by model, and by key as well where a row is a key.

    The tables are compared once the month is settled, and read once more before a difference is believed.

    Raises:
        SourceError: The usage could not be read.
    """
    first = await _read_both(job, project)
    if job.is_running or job.is_settling(SETTLING):
        return _table(first, _Choice(first.preferred()))
    both = await believe_twice(first, lambda read: bool(read.disputed()), lambda: _read_both(job, project))
    total, remark = None, SILENCE
    if both.by_key is not None and (both.disputed() or job.grain is Grain.API_KEY):
        total, remark = await _total(job, project)
    choice = choose(both, total.records if total else None)
    table = _table(
        both, replace(choice, records=tuple(structs.replace(one, project=project) for one in choice.records))
    )
    return replace(table, remarks=(*table.remarks, remark)) if remark else table


def _table(both: BothTables, choice: _Choice) -> ProjectFigures:
    return ProjectFigures(
        choice.records,
        (*both.gaps, *both.notes.gaps(say("the usage")), *choice.gaps),
        (*both.remarks, *choice.remarks),
        first=both.first,
        days=both.days,
        notes=both.notes,
    )


async def _total(job: Job, project: str) -> tuple[BreakdownFigures | None, Sentence]:
    """The usage without groups, or why there is none."""
    try:
        total = await _ask(job, project, UNGROUPED)
    except SourceError as error:
        return None, say("The usage without groups, which would decide, could not be read: {why}", why=error.sentence)
    if total.notes.odd:
        return None, say("The usage without groups, which would decide, is not readable.")
    return total, SILENCE


@dataclass(frozen=True, slots=True)
class BothTables:
    """The same usage twice, by group.

    `by_key` is None when it could not be read; `by_model` lacks the groups that could not. `lines` is how many lines
    were added up.
    """

    by_key: dict[Group, Records] | None
    by_model: dict[Group, Records]
    lines: int = 0
    gaps: tuple[Gap, ...] = ()
    remarks: tuple[Sentence, ...] = ()
    first: date | None = None
    days: frozenset[date] | None = None
    notes: Notes = field(default_factory=Notes)

    def disputed(self) -> set[Group]:
        """Groups whose figures differ."""
        if self.by_key is None:
            return set()
        by_key = self.by_key
        return {
            group
            for group, by_model in self.by_model.items()
            if not same_figures(by_key.get(group, ()), by_model, lines=self.lines)
        }

    def preferred(self) -> Records:
        """Every group once, by model where its models were read."""
        return _join((self.by_key or {}) | self.by_model)


class _Finding(Enum):
    """What a comparison of the two tables came to."""

    REST_WITHOUT_MODEL = auto()
    MODELS_TOO_LARGE = auto()
    KEYS_TOO_SMALL = auto()
    REST_WITHOUT_KEY = auto()

    @property
    def sentence(self) -> Sentence:
        """What there is to say about it."""
        match self:
            case _Finding.REST_WITHOUT_MODEL:
                return say("A part of the usage has no model at Deepgram: it stands under (sans modèle).")
            case _Finding.MODELS_TOO_LARGE:
                return say("Deepgram’s usage by model exceeds its total: the models are not told apart.")
            case _Finding.KEYS_TOO_SMALL:
                return say("Deepgram’s table by key lacks a part of the usage: the table by model is counted.")
            case _Finding.REST_WITHOUT_KEY:
                return say("A part of the usage has no key at Deepgram: it stands under (sans clé API).")


@dataclass(frozen=True, slots=True)
class _Choice:
    """Every request once."""

    records: Records
    gaps: tuple[Gap, ...] = ()
    remarks: tuple[Sentence, ...] = ()


def choose(both: BothTables, total: Records | None) -> _Choice:
    """Which of two tables that differ stands, by the usage without groups (`total`) where it was read.

    Without it, a table stands that holds all that the other one does. Where neither does, or neither equals the total,
    the table by key stands, and that is a gap.
    """
    lines, by_key = both.lines, both.by_key or {}
    chosen = by_key | both.by_model
    key_is_right = total is not None and same_figures(total, _join(by_key), lines=lines)
    model_is_right = total is not None and same_figures(total, _join(chosen), lines=lines)
    findings: dict[_Finding, None] = {}
    unresolved = False
    for group in both.disputed():
        keyed, modelled = by_key.get(group, ()), both.by_model[group]
        if model_is_right or (total is None and covers(modelled, keyed, lines=lines)):
            findings[_Finding.KEYS_TOO_SMALL] = None
            continue
        left = rest(keyed, modelled, lines=lines) if covers(keyed, modelled, lines=lines) else None
        if left is not None and (key_is_right or total is None):
            chosen[group] = (*modelled, structs.replace(left, api_key=group))
            findings[_Finding.REST_WITHOUT_MODEL] = None
        elif key_is_right:
            chosen[group] = keyed
            findings[_Finding.MODELS_TOO_LARGE] = None
        else:
            # Nothing at all by key says less than something by model.
            chosen[group] = keyed or modelled
            unresolved = True
    records = _join(chosen)
    if both.by_key is not None and total is not None and not same_figures(total, records, lines=lines):
        left = rest(total, records, lines=lines) if covers(total, records, lines=lines) else None
        if left is None or unresolved:
            unresolved = True
        else:
            records = (*records, left)
            findings[_Finding.REST_WITHOUT_KEY] = None
    remarks = tuple(finding.sentence for finding in findings)
    return _Choice(records, (_disputed(),) if unresolved else (), remarks)


def _disputed() -> Gap:
    sentence = say(
        "Deepgram’s usage by model and its usage by key do not agree, and nothing decides between them: the models are "
        "not told apart."
    )
    return Gap(kind=GapKind.MISSING, sentence=sentence)


def _join(groups: dict[Group, Records]) -> Records:
    return tuple(record for records in groups.values() for record in records)


async def _read_both(job: Job, project: str) -> BothTables:
    by_key_grain = job.grain is Grain.API_KEY
    keyed: BreakdownFigures | None = None
    failure: SourceError | None = None
    try:
        keyed = await _ask(job, project, BY_KEY)
    except SourceError as error:
        # Rows of projects can do without; rows of keys can't.
        if by_key_grain:
            raise
        failure = error
    by_key = None if keyed is None else _group(keyed.records, by_key=by_key_grain)
    groups: list[Group] = [key for key in by_key or () if key is not None] if by_key_grain else [None]
    by_model, gaps = await _by_model(job, project, groups)
    if failure is not None and not by_model:
        raise failure
    sheets = [*([keyed] if keyed else []), *by_model.values()]
    return BothTables(
        by_key,
        {group: sheet.records for group, sheet in by_model.items()},
        lines=sum(sheet.notes.read for sheet in sheets),
        gaps=gaps,
        remarks=() if failure is None else (_uncompared(failure),),
        first=min((sheet.first for sheet in sheets if sheet.first), default=None),
        days=common_days(sheet.days for sheet in sheets),
        notes=Notes.of_all(sheet.notes for sheet in sheets),
    )


def _uncompared(failure: SourceError) -> Sentence:
    return say("The usage by model was not compared with the usage by key: {why}", why=failure.sentence)


async def _by_model(
    job: Job, project: str, groups: Sequence[Group]
) -> tuple[dict[Group, BreakdownFigures], tuple[Gap, ...]]:
    """Usage by model of each of the keys; None is the whole project. Those that fail leave a gap."""
    what = say("the detail by model")
    parts = [
        Part(
            what,
            _ask(job, project, [*BY_MODEL, *(for_key(group) if group else [])], api_key=group),
            apart=True,
        )
        for group in groups
    ]
    try:
        read = await read_parts(parts)
    except SourceError as error:
        return {}, (gap_of(what, error),)
    found = {group: sheet for group, sheet in zip(groups, read.values, strict=True) if sheet is not None}
    return found, read.gaps


def _group(records: Iterable[UsageRecord], *, by_key: bool) -> dict[Group, Records]:
    groups: dict[Group, list[UsageRecord]] = {}
    for record in records:
        groups.setdefault(record.api_key if by_key else None, []).append(record)
    return {group: tuple(members) for group, members in groups.items()}


def same_figures(left: Iterable[UsageRecord], right: Iterable[UsageRecord], *, lines: int = 0) -> bool:
    """Whether two readings come to the same sums; see `covers`."""
    left, right = tuple(left), tuple(right)
    return covers(left, right, lines=lines) and covers(right, left, lines=lines)


def covers(whole: Iterable[UsageRecord], part: Iterable[UsageRecord], *, lines: int = 0) -> bool:
    """Whether no measure of the part is larger than that of the whole.

    Counts are compared exactly. Hours are floats at Deepgram: their last digits may differ, and where each of the
    `lines` that were added was rounded, by half a unit of the last digit for each.
    """
    ours, theirs = _figures(whole), _figures(part)
    nothing = Decimal(0)
    return all(
        difference(theirs[name], ours.get(name, nothing)) <= _tolerance([theirs[name], ours.get(name, nothing)], lines)
        for name in theirs
    )


def rest(whole: Iterable[UsageRecord], part: Iterable[UsageRecord], *, lines: int = 0) -> UsageRecord | None:
    """What the whole has beyond a part that it covers, without ids; None where that is nothing."""
    ours, theirs = _figures(whole), _figures(part)
    left = {name: difference(value, theirs.get(name, Decimal(0))) for name, value in ours.items()}
    found = {
        name: value
        for name, value in left.items()
        if value > _tolerance([ours[name], theirs.get(name, Decimal(0))], lines)
    }
    if not found:
        return None
    counts: dict[str, int] = {name: int(found[name]) for name in _COUNTS if name in found}
    if counts.keys() & {"tokens_input", "tokens_output"}:
        counts = {"tokens_input": 0, "tokens_output": 0, **counts}
    units = tuple((name, value) for name, value in sorted(found.items()) if name not in _COUNTS)
    return UsageRecord(
        requests=counts.get("requests"),
        tokens_input=counts.get("tokens_input"),
        tokens_output=counts.get("tokens_output"),
        units=units,
    )


def _figures(records: Iterable[UsageRecord]) -> dict[str, Decimal]:
    figures: dict[str, list[Decimal]] = {}
    for record in records:
        for name in _COUNTS:
            figures.setdefault(name, []).append(Decimal(getattr(record, name) or 0))
        for name, value in record.units:
            figures.setdefault(name, []).append(value)
    return {name: sum_known(values) for name, values in figures.items()}


def _tolerance(sums: list[Decimal], lines: int) -> Decimal:
    exponents = [plain(value).as_tuple().exponent for value in sums]
    places = max((-exponent for exponent in exponents if isinstance(exponent, int)), default=0)
    if places <= 0:
        return Decimal(0)
    return max(FLOAT_TOLERANCE, lines * Decimal(5).scaleb(-places - 1))


async def _ask(job: Job, project: str, params: Params, *, api_key: str | None = None) -> BreakdownFigures:
    """The usage breakdown of the month, summed by its groups; `api_key` where `params` narrow it to one."""
    path = usage_of(project)
    answer = await job.get(path, [*asked_days(job.month, job.now), *params])
    return parse_usage(answer.parse(Usage), project, job.month, path, api_key=api_key).add_up()

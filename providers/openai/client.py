"""Which requests OpenAI is asked, in which order, and what the answers amount to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Final, TypeVar

from pydantic import SecretStr

from providers.amounts import control
from providers.base import Finding, Job, Verdict
from providers.http import Answer, Params
from providers.openai.endpoints import (
    BUCKETS_PER_PAGE,
    BY_KEY,
    BY_PROJECT,
    COSTS,
    FAMILIES,
    PROJECTS,
    Family,
    project_keys,
)
from providers.openai.parse import (
    CostPage,
    Named,
    NamedPage,
    UsagePage,
    cost_records,
    registry_turn,
    report_turn,
    usage_records,
)
from providers.paging import Pages, read_pages
from providers.parts import Part, read_parts
from usage.errors import (
    ContractError,
    CredentialError,
    NotOfferedError,
    RefusedError,
    SourceError,
    TransientError,
    UnavailableError,
)
from usage.money import exact_sum
from usage.names import Grain, Kind, ProviderName
from usage.records import UsageRecord
from usage.report import Control, Gap, GapKind, SourceReport, Thing
from usage.sums import MonthSums

ROW_NOTE: Final = "Coûts : rapport des coûts d’OpenAI, hors taxes et crédits. Jetons et requêtes : rapports d’usage."
PageT = TypeVar("PageT", CostPage, UsagePage)

_RECENT: Final = timedelta(days=60)
"""A month that ended longer ago than this and is refused (400) counts as out of OpenAI's reach."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one report brought.

    `days` are the buckets that were there; `as_text` says whether every amount came as decimal text, and so exact.
    """

    records: tuple[UsageRecord, ...]
    days: int = 0
    as_text: bool = False
    by_key: bool = True


class CostSink:
    """Takes in pages of the costs report."""

    def __init__(self, job: Job) -> None:
        self._sums = MonthSums(job.source)
        self._days: set[int] = set()
        self._as_text = True

    def add(self, page: CostPage, /) -> None:
        """Take in one page."""
        self._days.update(bucket.start_time for bucket in page.data)
        results = [result for bucket in page.data for result in bucket.results]
        self._as_text &= all(result.amount is None or isinstance(result.amount.value, str) for result in results)
        self._sums.add(cost_records(page))

    def reading(self, *, by_key: bool) -> Reading:
        """All that was taken in."""
        return Reading(self._sums.records(), len(self._days), self._as_text, by_key)


class UsageSink:
    """Takes in pages of one usage report. Of what is stored rather than used, the highest day stands for the month."""

    def __init__(self, job: Job, family: Family) -> None:
        self._family = family
        self._sums = MonthSums(job.source)
        self._peaks: dict[str | None, UsageRecord] = {}

    def add(self, page: UsagePage, /) -> None:
        """Take in one page."""
        records = usage_records(page, self._family)
        if not self._family.is_stock:
            self._sums.add(records)
            return
        for record in records:
            peak = self._peaks.get(record.project)
            if peak is None or record.units > peak.units:
                self._peaks[record.project] = record

    def reading(self) -> Reading:
        """All that was taken in."""
        self._sums.add(self._peaks.values())
        return Reading(self._sums.records())


class OpenAI:
    """OpenAI's organization API; needs an admin key with `api.usage.read`."""

    name = ProviderName.OPENAI

    def headers(self, key: SecretStr) -> Mapping[str, str]:
        """The key as bearer token."""
        return {"Authorization": f"Bearer {key.get_secret_value()}"}

    def explain(self, answer: Answer) -> SourceError | None:
        """401 and 403 alike are what a project key gets."""
        if answer.status not in (401, 403):
            return None
        return CredentialError(
            f"OpenAI refuse la clé sur {answer.path} (HTTP {answer.status}) : il faut une clé d’administration "
            "(sk-admin-…) valide, avec le droit api.usage.read.",
            status=answer.status,
        )

    async def collect(self, job: Job) -> SourceReport:
        """Costs, all usage families, names; see the package's README for what becomes a record.

        Raises:
            SourceError: Neither costs nor usage could be read, or an answer breaks the contract.
        """
        read = await read_parts(
            [
                Part("les coûts", _read_costs(job)),
                *(Part(family.what, _read_family(job, family), optional=True) for family in FAMILIES),
            ]
        )
        records = [record for value in read.values if value is not None for record in value.records]
        costs, gaps = read.values[0], list(read.gaps)
        checked: Control | None = None
        if costs is not None and not job.month.is_running(job.now):
            costs, checked = await _controlled(job, costs)
            records = [r for value in (costs, *read.values[1:]) if value is not None for r in value.records]
            gaps += _disagreement(checked)
        things, remarks = await _names(job, records)
        sums = MonthSums(job.source)
        sums.add(records)
        return SourceReport(
            source=job.source,
            month=job.month,
            read_at=job.now,
            records=sums.records(),
            things=things,
            coarse=costs is not None and not costs.by_key and job.grain is Grain.API_KEY,
            gaps=tuple(gaps),
            remarks=remarks,
            row_note=ROW_NOTE,
            data_until=job.now if job.month.is_running(job.now) else None,
            # Costs of a day were seen to change for some hours after it ends.
            provisional=job.month.end <= job.now < job.month.end + timedelta(days=1),
            empty_proven=costs is not None and costs.days >= job.month.days,
            control=checked,
            requests=job.http.requests,
        )

    async def check(self, job: Job) -> list[Finding]:
        """One request each for costs, usage and project names."""
        return list(
            await asyncio.gather(
                _try(job, "costs", COSTS, Verdict.BAD),
                _try(job, "usage", FAMILIES[0].path, Verdict.BAD),
                _try(job, "project names", PROJECTS, Verdict.WARNING),
            )
        )


def _range(job: Job) -> Params:
    """The month in Unix seconds.

    While it runs, up to the next UTC midnight: costs refuse a range within one day (400), and an end later than that
    was seen to fail.
    """
    end = job.month.end
    if job.month.is_running(job.now):
        today = job.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        end = min(end, today + timedelta(days=1))
    return [
        ("start_time", str(int(job.month.start.timestamp()))),
        ("end_time", str(int(end.timestamp()))),
        ("bucket_width", "1d"),
        ("limit", BUCKETS_PER_PAGE),
    ]


def _grouped(names: Sequence[str]) -> Params:
    # Brackets, as OpenAI's own SDK sends them; the published description declares the plain form.
    return [("group_by[]", name) for name in names]


async def _read_costs(job: Job) -> Reading:
    """Costs by project, key and line item, or without the key where the account refuses it (400)."""
    try:
        return await _costs(job, BY_KEY)
    except RefusedError:
        try:
            return await _costs(job, BY_PROJECT)
        except RefusedError as error:
            raise _out_of_reach(job, error) from None


async def _costs(job: Job, group_by: Sequence[str]) -> Reading:
    async def ask(token: str | None) -> CostPage:
        return await _page(job, COSTS, group_by, token, CostPage)

    sink = await read_pages(ask, report_turn, lambda: CostSink(job), where=COSTS)
    return sink.reading(by_key=group_by is BY_KEY)


async def _read_family(job: Job, family: Family) -> Reading:
    async def ask(token: str | None) -> UsagePage:
        return await _page(job, family.path, family.group_by, token, UsagePage)

    try:
        sink = await read_pages(ask, report_turn, lambda: UsageSink(job, family), where=family.path)
    except RefusedError as error:
        raise _out_of_reach(job, error) from None
    return sink.reading()


async def _page(job: Job, path: str, group_by: Sequence[str], token: str | None, model: type[PageT]) -> PageT:
    answer = await job.http.get(path, [*_range(job), *_grouped(group_by), *([("page", token)] if token else [])])
    job.on_page()
    return answer.parse(model)


def _out_of_reach(job: Job, error: RefusedError) -> SourceError:
    """How far back OpenAI answers is not published; a refusal of an old month is taken for its end."""
    if job.month.end > job.now - _RECENT:
        return error
    return UnavailableError(f"OpenAI ne donne plus {job.month} ({error.sentence})", status=error.status)


async def _controlled(job: Job, costs: Reading) -> tuple[Reading, Control | None]:
    """Hold the costs against OpenAI's own ungrouped total; both are read once more before a mismatch is believed."""
    checked = await _control(job, costs)
    if checked is None or checked.agrees:
        return costs, checked
    again = await _read_costs(job)
    return again, await _control(job, again)


async def _control(job: Job, costs: Reading) -> Control | None:
    try:
        total = await _costs(job, ())
    except (TransientError, RefusedError):
        # The figures themselves were read; without the total they are just not checked, and the log shows no check.
        return None
    return control(
        exact_sum(record.cost for record in total.records) or Decimal(0),
        exact_sum(record.cost for record in costs.records) or Decimal(0),
        exact=costs.as_text and total.as_text,
    )


def _disagreement(checked: Control | None) -> list[Gap]:
    if checked is None or checked.agrees:
        return []
    sentence = "La somme des lignes de coûts ne correspond pas au total d’OpenAI."
    return [Gap(kind=GapKind.MISSING, sentence=sentence, passing=True)]


async def _names(job: Job, records: Sequence[UsageRecord]) -> tuple[tuple[Thing, ...], tuple[str, ...]]:
    """Names of projects, archived ones too, and of keys where a row is a key. Ids do where names can't be read."""
    try:
        projects = await _registry(job, PROJECTS, [("include_archived", "true")])
        things = [Thing(kind=Kind.PROJECT, id=item.id, name=item.name) for item in projects]
        if job.grain is Grain.API_KEY:
            used = sorted({record.project for record in records if record.project and record.api_key})
            for project in used:
                # Without this parameter some enabled keys are left out.
                keys = await _registry(job, project_keys(project), [("owner_project_access", "any")])
                things += [Thing(kind=Kind.API_KEY, id=item.id, name=item.name) for item in keys]
    except ContractError:
        raise
    except SourceError as error:
        return (), (f"Les noms n’ont pas pu être lus, les identifiants les remplacent : {error.sentence}",)
    return tuple(things), ()


async def _registry(job: Job, path: str, params: Params) -> list[Named]:
    async def ask(token: str | None) -> NamedPage:
        answer = await job.http.get(path, [("limit", "100"), *params, *([("after", token)] if token else [])])
        job.on_page()
        return answer.parse(NamedPage)

    try:
        sink = await read_pages(ask, registry_turn, Pages[NamedPage], where=path)
    except NotOfferedError:
        # A project that was deleted has no list of keys.
        return []
    return [item for page in sink.pages for item in page.data]


async def _try(job: Job, what: str, path: str, verdict: Verdict) -> Finding:
    """Ask for the least that shows whether the key may read `path`."""
    params = [("limit", "1")] if path == PROJECTS else [("start_time", _range(job)[0][1]), ("limit", "1")]
    try:
        await job.http.get(path, params)
    except SourceError as error:
        return Finding(what=what, verdict=verdict, sentence=error.sentence)
    return Finding(what=what, verdict=Verdict.OK, sentence="readable")

"""Which requests ElevenLabs is asked, in which order, and what the answers amount to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Final

from pydantic import SecretStr

from providers.base import Finding, Job, Verdict
from providers.elevenlabs.analytics import NOT_SERVED, is_settling, read_analytics
from providers.elevenlabs.endpoints import ANALYTICS_BEGIN, SERVICE_ACCOUNTS
from providers.elevenlabs.harvest import Harvest, harvest
from providers.elevenlabs.parse import USD, Figures, ServiceAccounts, Span, hashless, named, registry
from providers.elevenlabs.refusals import explain
from providers.elevenlabs.stats import account_usage, foreign_money, subscription
from providers.shared.http import Answer
from providers.shared.lines import counts
from usage.errors import NotOfferedError, SourceError, UnavailableError
from usage.names import ProviderName
from usage.outcomes.report import Count, SourceReport, Thing
from usage.records.sums import MonthSums

_NO_MONEY_HERE: Final = (
    "Les analyses d’ElevenLabs n’ont pas de montants ici : ceux du compte entier sont cherchés dans character-stats."
)


@dataclass(frozen=True, slots=True)
class Names:
    """Keys of the registry, and what there is to say about them."""

    keys: tuple[Thing, ...] = ()
    remarks: tuple[str, ...] = ()
    dropped: tuple[Count, ...] = ()


class ElevenLabs:
    """One ElevenLabs workspace; needs a key with `workspace_analytics_full_read`, and `workspace_read` for names."""

    name = ProviderName.ELEVENLABS
    registry = re.compile(SERVICE_ACCOUNTS)

    def headers(self, key: SecretStr) -> Mapping[str, str]:
        """The key under ElevenLabs' own name."""
        return {"xi-api-key": key.get_secret_value()}

    def explain(self, answer: Answer) -> SourceError | None:
        """By the words of the answer first, by its status second."""
        return explain(answer)

    async def collect(self, job: Job) -> SourceReport:
        """Usage analytics, key names; see the package's README for what becomes a record.

        Raises:
            SourceError: No report could be read, or an answer breaks the contract.
        """
        if job.month.start < ANALYTICS_BEGIN:
            raise UnavailableError(f"ElevenLabs ne donne rien avant {ANALYTICS_BEGIN.year}.")
        found = await harvest(job, _span(job))
        names = await _names(job)
        sums = MonthSums(job.source)
        sums.add(found.records)
        records = sums.records()
        return SourceReport(
            source=job.source,
            month=job.month,
            read_at=job.now,
            records=records,
            things=named(names.keys, found.labels, records),
            coarse=found.coarse,
            gaps=found.gaps,
            remarks=(found.path, *found.remarks, *names.remarks, *_few_keys(names.keys, found)),
            row_note=found.note,
            data_until=job.now if job.month.is_running(job.now) else None,
            provisional=is_settling(job),
            # How long months are kept is not published: an empty one may be one that is gone.
            empty_proven=False,
            control=found.control,
            requests=job.http.requests,
            dropped=(*found.dropped, *names.dropped),
            new_fields=found.new_fields,
        )

    async def check(self, job: Job) -> list[Finding]:
        """One request each for usage and money, key names, and the plan; one more where usage is billed by cost."""
        return [*await _try_usage(job), await _try_names(job), await _try_plan(job)]


def _span(job: Job) -> Span:
    """The month's days; while it runs, up to the next UTC midnight: a day to come may be billed in another way."""
    end = job.month.end
    if job.month.is_running(job.now):
        today = job.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        end = min(end, today + timedelta(days=1))
    return Span(job.month.start, end)


def _few_keys(keys: Sequence[Thing], found: Harvest) -> tuple[str, ...]:
    """Whether a key without the right to all usage is refused or is silently shown its own alone is not published."""
    used = {record.api_key for record in found.records}
    if found.coarse or len(keys) < 2 or len(used) > 1:
        return ()
    return (
        f"Sur {len(keys)} clés connues, une au plus a été utilisée : si cela étonne, vérifiez que la clé a le droit "
        "workspace_analytics_full_read.",
    )


async def _names(job: Job) -> Names:
    """Keys of service accounts. Only administrators see them, and a workspace of one person may have none."""
    try:
        answer = await job.http.get(SERVICE_ACCOUNTS)
        job.on_page()
        listed = answer.parse(ServiceAccounts)
        lost = Counter({f"{SERVICE_ACCOUNTS} : clés sans empreinte": hashless(listed)})
        return Names(registry(listed), dropped=counts(+lost))
    except NotOfferedError:
        return Names()
    except SourceError as error:
        remark = f"Les noms n’ont pas pu être lus, le début des empreintes les remplace : {error.sentence}"
        return Names(remarks=(remark,))


async def _try_usage(job: Job) -> list[Finding]:
    day = Span(job.month.start, job.month.start + timedelta(days=1))
    try:
        readings = await read_analytics(job, day)
    except NOT_SERVED as error:
        return [await _try_account(job, day, error)]
    except SourceError as error:
        return [Finding(what="usage and cost", verdict=Verdict.BAD, sentence=error.sentence)]
    figures = readings[0].figures
    billed = "by cost" if readings[0].report.by_cost else "in credits"
    return [Finding(what="usage", verdict=Verdict.OK, sentence=f"readable, billed {billed}"), _money_finding(figures)]


async def _try_account(job: Job, day: Span, error: SourceError) -> Finding:
    try:
        await account_usage(job, day)
    except SourceError:
        return Finding(what="usage and cost", verdict=Verdict.BAD, sentence=error.sentence)
    return Finding(what="usage and cost", verdict=Verdict.WARNING, sentence=error.sentence)


def _money_finding(figures: Figures) -> Finding:
    foreign = sorted(figures.currencies - {USD})
    if figures.doubts:
        return Finding(what="cost", verdict=Verdict.WARNING, sentence=figures.doubts[0].sentence)
    if foreign:
        return Finding(what="cost", verdict=Verdict.WARNING, sentence=foreign_money(foreign[0]).sentence)
    if figures.currencies:
        return Finding(what="cost", verdict=Verdict.OK, sentence="readable, in USD")
    if figures.records:
        return Finding(what="cost", verdict=Verdict.WARNING, sentence=_NO_MONEY_HERE)
    return Finding(what="cost", verdict=Verdict.OK, sentence="no usage on the day looked at")


async def _try_names(job: Job) -> Finding:
    try:
        keys = registry((await job.http.get(SERVICE_ACCOUNTS)).parse(ServiceAccounts))
    except SourceError as error:
        return Finding(what="key names", verdict=Verdict.WARNING, sentence=error.sentence)
    return Finding(what="key names", verdict=Verdict.OK, sentence=f"readable, {len(keys)} keys of service accounts")


async def _try_plan(job: Job) -> Finding:
    try:
        plan = await subscription(job)
    except SourceError as error:
        return Finding(what="plan", verdict=Verdict.WARNING, sentence=error.sentence)
    return Finding(what="plan", verdict=Verdict.OK, sentence=f"readable, billed in {plan.money.upper() or '(unknown)'}")

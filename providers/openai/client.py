"""Which requests OpenAI is asked, in which order, and what the answers amount to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from pydantic import SecretStr

from providers.base import Finding, Job, Verdict
from providers.http import Answer, Params
from providers.openai.endpoints import COSTS, FAMILIES, PROJECTS
from providers.openai.registry import read_names
from providers.openai.reports import controlled, cost_spans, read_costs, read_usage, usage_span
from providers.parts import Part, read_parts
from usage.errors import CredentialError, SourceError
from usage.names import Grain, ProviderName
from usage.records import UsageRecord
from usage.report import Control, Gap, GapKind, SourceReport
from usage.sums import MonthSums

ROW_NOTE: Final = "Coûts : rapport des coûts d’OpenAI, hors taxes et crédits. Jetons et requêtes : rapports d’usage."


class OpenAI:
    """OpenAI's organization API; needs an admin key with `api.usage.read`."""

    name = ProviderName.OPENAI
    registry = re.compile(rf"{PROJECTS}(/[^/]+/api_keys)?")

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
                Part("les coûts", read_costs(job)),
                *(Part(family.what, read_usage(job, family), optional=True) for family in FAMILIES),
            ]
        )
        running = job.month.is_running(job.now)
        costs, checked = read.values[0], None
        if costs is not None and not running:
            costs, checked = await controlled(job, costs)
        sums = MonthSums(job.source)
        for figures in (costs, *read.values[1:]):
            sums.add(figures.records if figures is not None else ())
        records = sums.records()
        things, remarks = await read_names(job, records)
        return SourceReport(
            source=job.source,
            month=job.month,
            read_at=job.now if job.together is None else job.together.read_at(job.now),
            records=records,
            things=things,
            coarse=costs is not None and not costs.by_key and job.grain is Grain.API_KEY,
            gaps=(*read.gaps, *_disagreement(checked), *_other_currencies(records)),
            remarks=remarks,
            row_note=ROW_NOTE,
            data_until=job.now if running else None,
            # Costs of a day were seen to change for some hours after it ends.
            provisional=job.month.end <= job.now < job.month.end + timedelta(days=1),
            empty_proven=not running and costs is not None and costs.days >= job.month.days,
            control=checked,
        )

    async def check(self, job: Job) -> list[Finding]:
        """One request each for costs, usage and project names."""
        return list(
            await asyncio.gather(
                _try(job, "costs", COSTS, cost_spans(job)[0].params, Verdict.BAD),
                _try(job, "usage", FAMILIES[0].path, usage_span(job).params, Verdict.BAD),
                _try(job, "project names", PROJECTS, (), Verdict.WARNING),
            )
        )


def _disagreement(checked: Control | None) -> tuple[Gap, ...]:
    if checked is None or checked.agrees:
        return ()
    sentence = "La somme des lignes de coûts ne correspond pas au total d’OpenAI."
    return (Gap(kind=GapKind.MISSING, sentence=sentence),)


def _other_currencies(records: Iterable[UsageRecord]) -> tuple[Gap, ...]:
    units = {unit for record in records for unit, _ in record.units if unit.startswith("cost_")}
    names = ", ".join(sorted(unit.removeprefix("cost_").upper() for unit in units))
    sentence = f"OpenAI donne des montants en {names} ; ils restent à part et ne sont pas comptés en USD."
    return (Gap(kind=GapKind.UNAVAILABLE, sentence=sentence),) if names else ()


async def _try(job: Job, what: str, path: str, params: Params, verdict: Verdict) -> Finding:
    """Ask for the least that shows whether the key may read `path`."""
    try:
        await job.http.get(path, [*params, ("limit", "1")])
    except SourceError as error:
        return Finding(what=what, verdict=verdict, sentence=error.sentence)
    return Finding(what=what, verdict=Verdict.OK, sentence="readable")

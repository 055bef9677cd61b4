"""Which requests OpenAI is asked, in which order, and what the answers amount to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from pydantic import SecretStr

from providers.base import Finding, Job, Verdict
from providers.openai.costs import controlled, read_costs
from providers.openai.endpoints import COSTS, FAMILIES, PROJECTS
from providers.openai.joining import models_without_usage, named, requests_once, without_known_tokens
from providers.openai.questions import cost_spans, usage_span
from providers.openai.refusals import explain
from providers.openai.registry import read_names
from providers.openai.reports import read_usage
from providers.openai.sinks import Figures
from providers.shared.http import Answer, Params
from providers.shared.lines import Notes, counts
from providers.shared.parts import Part, Read, days_gap, read_parts
from usage.errors import CredentialError, SourceError
from usage.grain import NO_PROJECT
from usage.names import Grain, ProviderName
from usage.outcomes.report import Control, Gap, GapKind, RowNote, SourceReport
from usage.records.record import UsageRecord
from usage.records.sums import MonthSums

ROW_NOTE: Final = "Coûts : rapport des coûts d’OpenAI, hors taxes et crédits. Jetons et requêtes : rapports d’usage."
_COSTS: Final = "les coûts"
_REPORTS: Final = (_COSTS, *(family.what for family in FAMILIES))
_SETTLING: Final = timedelta(days=1)
"""Costs of a day were seen to change for some hours after it ends."""
_READS_THE_REST: Final = "La clé lit les autres rapports."


class OpenAI:
    """OpenAI's organization API; needs an admin key with `api.usage.read`."""

    name = ProviderName.OPENAI
    registry = re.compile(rf"{PROJECTS}(/[^/]+/api_keys)?")

    def headers(self, key: SecretStr) -> Mapping[str, str]:
        """The key as bearer token."""
        return {"Authorization": f"Bearer {key.get_secret_value()}"}

    def explain(self, answer: Answer) -> SourceError | None:
        """By the refusal's code, parameter and text: see `refusals`."""
        return explain(answer)

    async def collect(self, job: Job) -> SourceReport:
        """Costs, all usage families, names; see the package's README for what becomes a record.

        Raises:
            SourceError: Neither costs nor usage could be read, or costs break the contract.
        """
        read = await _read(job)
        costs, *usage = read.values
        running, checked = job.month.is_running(job.now), None
        provisional = not running and job.now < job.month.end + _SETTLING
        if costs is not None and not running and not provisional:
            costs, checked = await controlled(job, costs)
        seen = [figures for figures in (costs, *usage) if figures is not None]
        records, row_notes = _joined(job, costs, [figures for figures in usage if figures], read)
        free = _is_free(records, checked)
        if free:
            records = tuple(replace(record, missing_amounts=0) for record in records)
        things, remarks = await read_names(job, records, dict(costs.names) if costs else {})
        organisations = {an_id for figures in seen for an_id in figures.organisations}
        notes = _notes(seen)
        return SourceReport(
            source=job.source,
            month=job.month,
            read_at=job.now if job.together is None else job.together.read_at(job.now),
            records=records,
            things=things,
            coarse=costs is not None and not costs.by_key and job.grain is Grain.API_KEY,
            gaps=(*read.gaps, *_gaps(job, (costs, *usage)), *_disagreement(checked), *_other_currencies(records)),
            remarks=(
                *(_key_remarks(job, costs)),
                *free,
                *_rounded(seen),
                *remarks,
                *([_READS_THE_REST] * read.refused),
            ),
            row_note=ROW_NOTE,
            row_notes=row_notes,
            data_until=job.now if running else None,
            provisional=provisional,
            empty_proven=not running and costs is not None and len(costs.days) >= job.month.days,
            control=checked,
            organisation=organisations.pop() if len(organisations) == 1 else None,
            days_read=len(costs.days) if costs is not None else max(len(figures.days) for figures in seen),
            dropped=counts(notes.dropped),
            new_fields=counts(notes.new),
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


async def _read(job: Job) -> Read[Figures]:
    """Costs, then the usage families.

    Raises:
        SourceError: None of them could be read, or costs break the contract.
    """
    parts = [
        Part(_COSTS, read_costs(job)),
        *(Part(family.what, read_usage(job, family), optional=True) for family in FAMILIES),
    ]
    try:
        return await read_parts(parts)
    except CredentialError as error:
        if error.status != 403:
            raise
        sentence = (
            f"OpenAI refuse tous les rapports à cette clé ({error.sentence.rstrip('.')}). Il faut une clé "
            "d’administration (sk-admin-…) avec le droit api.usage.read."
        )
        raise CredentialError(sentence, status=error.status) from None


def _joined(
    job: Job, costs: Figures | None, usage: Sequence[Figures], read: Read[Figures]
) -> tuple[tuple[UsageRecord, ...], tuple[RowNote, ...]]:
    """All records of the month, each thing told once; and what rows have to say about what is not."""
    used = requests_once(record for figures in usage for record in figures.records)
    money = costs.records if costs is not None else ()
    whole = not read.gaps
    sums = MonthSums(job.source)
    sums.add(used)
    sums.add(without_known_tokens(money, used, usage_is_whole=whole))
    if not whole:
        return sums.records(), ()
    return sums.records(), tuple(_absent_from_usage(job, money, models_without_usage(money, used)))


def _absent_from_usage(
    job: Job, money: Iterable[UsageRecord], absent: Mapping[str | None, Sequence[str]]
) -> Iterable[RowNote]:
    """What rows say of models that were billed in their project and that no usage report has."""
    billed = {(record.project, record.model) for record in money if _has_tokens(record)}
    for project, models in absent.items():
        told = [model for model in models if (project, model) in billed]
        untold = [model for model in models if (project, model) not in billed]
        for names, what in (
            (told, "jetons d’après la facture, requêtes inconnues"),
            (untold, "jetons et requêtes inconnus"),
        ):
            if names:
                which = "Un modèle facturé est absent" if len(names) == 1 else f"{len(names)} modèles facturés absents"
                yield _of_project(job, project, f"{which} des rapports d’usage, {what} : {named(names)}.")


def _of_project(job: Job, project: str | None, sentence: str) -> RowNote:
    if job.grain is Grain.API_KEY:
        return RowNote(sentence=sentence, workspace=project or "")
    return RowNote(sentence=sentence, key=project or NO_PROJECT)


def _has_tokens(record: UsageRecord) -> bool:
    return record.tokens_input is not None or record.tokens_output is not None


def _is_free(records: Iterable[UsageRecord], checked: Control | None) -> tuple[str, ...]:
    """A remark where lines without an amount are shown to cost nothing by a total that agrees without them."""
    lines = sum(record.missing_amounts for record in records)
    if not lines or checked is None or not checked.agrees:
        return ()
    which = "Une ligne est" if lines == 1 else f"{lines} lignes sont"
    return (f"{which} sans montant ; le total d’OpenAI montre que rien n’y manque.",)


def _notes(seen: Iterable[Figures]) -> Notes:
    notes = Notes()
    for figures in seen:
        notes.add(figures.notes)
    return notes


def _rounded(seen: Iterable[Figures]) -> tuple[str, ...]:
    amounts = sum(figures.rounded for figures in seen)
    return (f"Montants arrondis à la 38e décimale : {amounts}.",) if amounts else ()


def _gaps(job: Job, read: Sequence[Figures | None]) -> Iterable[Gap]:
    """What reports that were read lack: days out of reach, days that did not come, lines that can't be read."""
    begins: dict[date, list[str]] = {}
    for what, figures in zip(_REPORTS, read, strict=True):
        if figures is None:
            continue
        if figures.begins is not None:
            begins.setdefault(figures.begins, []).append(what)
        if not job.month.is_running(job.now) and (figures.days or what == _COSTS):
            out_of_reach = (figures.begins - job.month.first_day).days if figures.begins else 0
            yield from days_gap(job.month, len(figures.days), out_of_reach=out_of_reach, what=what)
        yield from figures.notes.gaps(what)
    for day, whats in begins.items():
        sentence = f"OpenAI ne remonte que jusqu’au {day} pour {', '.join(whats)} : il n’y a rien d’avant."
        yield Gap(kind=GapKind.UNAVAILABLE, sentence=sentence)


def _key_remarks(job: Job, costs: Figures | None) -> tuple[str, ...]:
    """What rows of keys lose to costs that are told by project."""
    if costs is None or job.grain is not Grain.API_KEY or (costs.by_key and costs.keys_from is None):
        return ()
    if costs.keys_from is None:
        return ("OpenAI refuse à ce compte les coûts par clé : les lignes sont par projet.",)
    lead = f"OpenAI ne donne les coûts par clé qu’à partir du {costs.keys_from}"
    before = "ceux d’avant sont sans clé, par projet" if costs.by_key else "les lignes de ce mois sont par projet"
    return (f"{lead} : {before}.",)


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

"""What OpenAI's costs and usage reports say of the same thing, told once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from providers.openai.reports import ReportFigures
from providers.shared.job import Job
from providers.shared.parts import PartResults
from usage.grain import NO_PROJECT
from usage.language.saying import say, say_count
from usage.language.sentence import Sentence
from usage.names import Grain
from usage.outcomes.report import RowNote
from usage.records.record import Unit, UsageRecord
from usage.records.sums import RecordSums, sum_days

Place = tuple[str | None, str | None, str | None]
BilledModel = tuple[str | None, str | None]
"""Project and model of a cost: a month has many costs of few of them."""
_DATED: Final = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_SHOWN: Final = 5


def join_reports(
    job: Job, costs: ReportFigures | None, usage: Sequence[ReportFigures], read: PartResults[ReportFigures]
) -> tuple[tuple[UsageRecord, ...], tuple[RowNote, ...]]:
    """All records of the month, each thing told once; and what rows have to say about what is not."""
    used = count_requests_once(record for figures in usage for record in figures.records)
    money = costs.records if costs is not None else ()
    whole = not read.gaps
    records = _add_up(used, without_known_tokens(money, used, usage_is_whole=whole))
    if not whole:
        return records, ()
    return records, tuple(_absent_from_usage(job, money, models_without_usage(money, used)))


def _add_up(used: Sequence[UsageRecord], money: Sequence[UsageRecord]) -> tuple[UsageRecord, ...]:
    if not used:
        # Costs are sums already.
        return tuple(money)
    sums = RecordSums()
    sums.add(used)
    sums.add(money)
    return sums.records()


def count_requests_once(records: Iterable[UsageRecord]) -> tuple[UsageRecord, ...]:
    """Usage in which requests of image models stand once.

    Token-billed image models show up both among the completions, with their tokens, and among the images. What the
    completions have counted is taken off the images' requests of the same project, key and model.
    """
    records = tuple(records)
    counted: Counter[Place] = Counter()
    for record in records:
        if record.tokens_output is not None:
            counted[_place(record)] += record.requests or 0
    told = []
    for record in records:
        of_images = any(unit == Unit.IMAGES for unit, _ in record.units)
        if of_images and record.requests and (twice := min(record.requests, counted[_place(record)])):
            counted[_place(record)] -= twice
            told.append(replace(record, requests=record.requests - twice))
        else:
            told.append(record)
    return tuple(told)


def without_known_tokens(
    costs: Sequence[UsageRecord], usage: Sequence[UsageRecord], *, usage_is_whole: bool
) -> tuple[UsageRecord, ...]:
    """Costs that keep the tokens that were billed only where no usage report has the model in that project.

    `usage_is_whole`: all reports could be read; otherwise nobody knows what they would have told.
    """
    places = {(cost.project, cost.model) for cost in costs}
    told = _KnownModels(usage).among(places) if usage_is_whole else places
    # Corrections may leave less than nothing of a month, which is no count.
    below = {cost.of_month().ids for cost in costs if (cost.tokens_input or 0) < 0 or (cost.tokens_output or 0) < 0}
    invalid = {total.ids for total in sum_days(costs) if _is_below_nothing(total)} if below else below
    if not told and not invalid:
        return tuple(costs)
    return tuple(
        cost.without_tokens()
        if _has_tokens(cost) and ((cost.project, cost.model) in told or (invalid and cost.of_month().ids in invalid))
        else cost
        for cost in costs
    )


def models_without_usage(costs: Iterable[UsageRecord], usage: Iterable[UsageRecord]) -> dict[str | None, list[str]]:
    """By project, models that were billed and that no usage report has."""
    billed = dict.fromkeys((cost.project, cost.model) for cost in costs if cost.cost)
    known = _KnownModels(usage).among(billed)
    found: dict[str | None, list[str]] = {}
    for project, model in billed:
        if (project, model) not in known:
            found.setdefault(project, []).append(model or "")
    return found


def list_some(names: Sequence[str], most: int = _SHOWN) -> Sentence:
    """A few things by name, and how many more there are."""
    shown, more = ", ".join(names[:most]), len(names) - most
    return say("{names} and {number} more", names=shown, number=more) if more > 0 else Sentence.of(shown)


class _KnownModels:
    """The models that usage reports have, by project."""

    def __init__(self, usage: Iterable[UsageRecord]) -> None:
        self._models: dict[str | None, set[str]] = {}
        for record in usage:
            if record.model:
                self._models.setdefault(record.project, set()).add(_plain(record.model))

    def among(self, places: Iterable[BilledModel]) -> set[BilledModel]:
        """Those that usage has, or that have no model."""
        return {
            (project, model)
            for project, model in places
            if model is None or _is_among(model, self._models.get(project, set()))
        }


def _is_among(model: str, models: Iterable[str]) -> bool:
    """Whether a model that was billed is one of those that were used.

    The names agree in form, but not always: usage says `text-embedding-ada-002-v2` and `ft:gpt-4o:acme::AbC` where the
    bill says `text-embedding-ada-002` and `ft-gpt-4o`, and one of the two may leave out the date.
    """
    billed = _plain(model)
    undated = _DATED.sub("", billed)
    # A name that goes on is the same model only with more said of it: `gpt-5-codex` is not `gpt-5`.
    return any(
        used in (billed, undated)
        or re.fullmatch(rf"{re.escape(billed)}(-v\d+|-\d{{4}}-\d{{2}}-\d{{2}})", used)
        or (billed.startswith("ft-") and used.startswith(f"{billed}-"))
        for used in models
    )


def _plain(model: str) -> str:
    return model.replace(":", "-")


def _place(record: UsageRecord) -> Place:
    return record.project, record.api_key, record.model


def _absent_from_usage(
    job: Job, money: Iterable[UsageRecord], absent: Mapping[str | None, Sequence[str]]
) -> Iterable[RowNote]:
    """What rows say of models that were billed in their project and that no usage report has."""
    billed = {(record.project, record.model) for record in money if _has_tokens(record)}
    for project, models in absent.items():
        told = [model for model in models if (project, model) in billed]
        untold = [model for model in models if (project, model) not in billed]
        if told:
            what = say("tokens as billed, requests unknown")
            yield _of_project(job, project, _tell_absent(told, what))
        if untold:
            what = say("tokens and requests unknown")
            yield _of_project(job, project, _tell_absent(untold, what))


def _tell_absent(models: Sequence[str], what: Sentence) -> Sentence:
    return say_count(
        "A model that was billed is absent from the usage reports, {what}: {models}.",
        "{number} models that were billed are absent from the usage reports, {what}: {models}.",
        len(models),
        what=what,
        models=list_some(models),
    )


def _of_project(job: Job, project: str | None, sentence: Sentence) -> RowNote:
    if job.grain is Grain.API_KEY:
        return RowNote(sentence=sentence, workspace=project or "")
    return RowNote(sentence=sentence, key=project or NO_PROJECT)


def _has_tokens(record: UsageRecord) -> bool:
    return record.tokens_input is not None or record.tokens_output is not None


def _is_below_nothing(record: UsageRecord) -> bool:
    return (record.tokens_input or 0) < 0 or (record.tokens_output or 0) < 0

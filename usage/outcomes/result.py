"""What a collection came to: the object that `--json` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Self

from pydantic import BaseModel, ConfigDict

from usage.language.choice import Language
from usage.language.saying import say, say_count, together
from usage.language.sentence import SILENCE, Sentence
from usage.money import dollars
from usage.month import Month
from usage.names import ProviderName, Source, Status, overall
from usage.outcomes.naming import status_name
from usage.outcomes.outcome import SourceOutcome
from usage.outcomes.story import rerun_hint
from usage.outcomes.told import Told

_WHOLE = (Status.SUCCES, Status.DONNEES_INDISPONIBLES)
"""A rerun would bring no more."""


class SourceResult(BaseModel):
    """One source. A figure that isn't available is null, never 0."""

    model_config = ConfigDict(frozen=True)

    provider: ProviderName
    account: str
    status: Status
    cost_usd: str | None = None
    """Text with every digit."""
    tokens_input: int | None = None
    tokens_output: int | None = None
    requests: int | None = None
    rows: int = 0
    log: Sentence

    @property
    def source(self) -> Source:
        """Which source it is."""
        return Source(provider=self.provider, account=self.account)

    @property
    def cost(self) -> Decimal | None:
        """USD, exact."""
        return None if self.cost_usd is None else Decimal(self.cost_usd)


class KeptRow(BaseModel):
    """A row that was left alone, and why."""

    model_config = ConfigDict(frozen=True)

    row: str
    key: str
    why: Sentence


class NotionCounts(BaseModel):
    """Pages of *Usages*, and all Notion requests, repeats included.

    `kept` are those of the unchanged rows that were left alone for a reason.
    """

    model_config = ConfigDict(frozen=True)

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    trashed: int = 0
    requests: int = 0
    kept: tuple[KeptRow, ...] = ()


class PlannedStep(BaseModel):
    """One row of a plan."""

    model_config = ConfigDict(frozen=True)

    action: str
    row: str
    key: str
    cost_usd: str | None
    fields: tuple[str, ...] = ()
    """Columns that an update changes."""
    why: Sentence = SILENCE
    carried: tuple[str, ...] = ()
    """People's own columns that a new row takes over from the months before."""


class ToRerun(BaseModel):
    """A source that a rerun or a better key would mend."""

    model_config = ConfigDict(frozen=True)

    source: Source
    reason: Sentence
    """What is missing, and the command."""

    @property
    def sentence(self) -> Sentence:
        """`deepgram: …`."""
        return say("{source}: {reason}", source=self.source, reason=self.reason)


class MonthResult(BaseModel):
    """One month."""

    model_config = ConfigDict(frozen=True)

    month: Month
    status: Status
    sources: tuple[SourceResult, ...]
    notion: NotionCounts
    plan: tuple[PlannedStep, ...] | None = None
    """Of a dry run."""
    problem: Sentence | None = None
    """Why Notion could not be written to the end."""
    to_rerun: tuple[ToRerun, ...] = ()
    warnings: tuple[Sentence, ...] = ()
    """What may keep a provider away in silence: names of variables that are nearly ours, keys that have gone. And own
    columns that could not be taken over, and readings that could not be kept.
    """
    running: Sentence = SILENCE
    """`in progress, day 28/30`, for a month that has not ended."""
    comparison: Told | None = None
    """The month beside the one before; None where Notion was not written to the end, or nobody could tell."""

    @property
    def succeeded(self) -> bool:
        """Whether all that can be had was collected and written."""
        return not self.to_rerun and self.problem is None

    @property
    def word(self) -> Status:
        """Of the month as a whole, which is not well where Notion does not hold it."""
        return Status.ECHEC if self.problem else self.status

    @property
    def heading(self) -> Sentence:
        """`2026-01: Partial, 6 of 7 sources`."""
        word = say("{month}: {status}", month=self.month, status=status_name(self.word))
        incomplete = say("Notion is incomplete") if self.problem else SILENCE
        return together([word, self._read, incomplete, self.running], between=", ")

    @property
    def left_alone(self) -> tuple[Sentence, ...]:
        """One sentence for each reason to leave rows as they are: `2 rows left alone: …`."""
        counts = Counter(kept.why for kept in self.notion.kept)
        return tuple(
            say_count("{number} row left alone: {why}", "{number} rows left alone: {why}", count, why=why)
            for why, count in counts.items()
        )

    @property
    def _read(self) -> Sentence:
        """How many sources are whole, where some are and some are not: `6 of 7 sources`."""
        whole = sum(source.status in _WHOLE for source in self.sources)
        if whole in (0, len(self.sources)):
            return SILENCE
        return say_count("{number} source of {all}", "{number} of {all} sources", whole, all=len(self.sources))

    def together_with(self, kept: Sequence[SourceResult]) -> Self:
        """The same with sources that were left alone, as they stand in Notion; their rows are unchanged ones."""
        sources = sorted([*self.sources, *kept], key=_place)
        unchanged = self.notion.unchanged + sum(one.rows + 1 for one in kept)
        notion = self.notion.model_copy(update={"unchanged": unchanged})
        status = overall(one.status for one in sources)
        return self.model_copy(update={"status": status, "sources": tuple(sources), "notion": notion})

    def to_json(self, language: Language) -> str:
        """The object that `--json` prints, on one line; `plan` and `comparison` only where there is one.

        Its texts are in `language`.
        """
        hidden = {"problem", "to_rerun", "warnings", "running"} | ({"plan"} if self.plan is None else set())
        hidden |= set() if self.comparison is not None and self.comparison.compares else {"comparison"}
        return self.model_dump_json(exclude=hidden, context=language)

    @property
    def summary(self) -> Sentence:
        """One sentence for the run's state: what was written, what to rerun and why, and what was left alone."""
        counts = self.notion
        written = say(
            "{created} created, {updated} updated, {unchanged} unchanged",
            created=counts.created,
            updated=counts.updated,
            unchanged=counts.unchanged,
        )
        written = together([self._read, self.running, written], between="; ")
        trouble = together([self.problem or SILENCE, *(one.sentence for one in self.to_rerun)], between="; ")
        body = (
            say("{month}: {trouble} ({written})", month=self.month, trouble=trouble, written=written)
            if trouble
            else say("{month}: {written}", month=self.month, written=written)
        )
        return together([body, *self.left_alone, *self.warnings], between="; ")


def month_result(
    month: Month,
    outcomes: Sequence[SourceOutcome],
    counts: NotionCounts,
    *,
    plan: tuple[PlannedStep, ...] | None = None,
    problem: Sentence | None = None,
    warnings: Sequence[Sentence] = (),
    running: Sentence = SILENCE,
) -> MonthResult:
    """Put a month's result together.

    Args:
        month: The month.
        outcomes: What was read.
        counts: What was done in Notion.
        plan: See `MonthResult`, as for the next three.
        problem: Why Notion could not be written to the end.
        warnings: What may keep a provider away.
        running: How far the month has come.
    """
    sources = sorted(map(_source_result, outcomes), key=_place)
    return MonthResult(
        month=month,
        status=overall(one.status for one in sources),
        sources=tuple(sources),
        notion=counts,
        plan=plan,
        problem=problem,
        to_rerun=tuple(
            ToRerun(source=outcome.source, reason=together([outcome.reason, rerun_hint(outcome.source, month)]))
            for outcome in outcomes
            if outcome.rerun
        ),
        warnings=tuple(warnings),
        running=running,
    )


def _place(result: SourceResult) -> tuple[str, str]:
    """By which sources are put in order."""
    return result.provider, result.account


def _source_result(outcome: SourceOutcome) -> SourceResult:
    totals = outcome.totals
    return SourceResult(
        provider=outcome.source.provider,
        account=outcome.source.account,
        status=outcome.status,
        cost_usd=None if totals.cost is None else dollars(totals.cost),
        tokens_input=totals.tokens_input,
        tokens_output=totals.tokens_output,
        requests=totals.requests,
        rows=len(outcome.rows),
        log=outcome.log,
    )

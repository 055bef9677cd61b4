"""What one source comes to for one month: its rows and its own story. Everything that is published is in here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Self

from pydantic import BaseModel, ConfigDict

from usage.grain import LABEL, Rule, is_bracketed
from usage.language.saying import say, together
from usage.language.sentence import SILENCE, Sentence
from usage.month import Month
from usage.names import Grain, Kind, Source, Status
from usage.outcomes.correction import Correction
from usage.outcomes.report import Control, Count, SourceReport, Thing
from usage.outcomes.rows import LabelledReport, Totals, UsageRow, build_rows, totals
from usage.outcomes.story import archived_sentence, failure_log, source_log


class SourceOutcome(BaseModel):
    """One source, one month, ready to be published.

    An attempt that failed has no rows; its `log` says why, and `rerun` is true where a rerun or a better key mends it.
    """

    model_config = ConfigDict(frozen=True)

    source: Source
    month: Month
    label: str
    """The account as Notion shows it: empty for the only key of a provider when it has no name."""
    attempted_at: datetime
    """The moment the figures were read, or the attempt failed, UTC."""
    status: Status
    rerun: bool
    log: Sentence
    """The whole story."""
    rule: Rule
    """What the rows stand for."""
    rows: tuple[UsageRow, ...] = ()
    things: tuple[Thing, ...] = ()
    """The source's own registry: what it owns."""
    complete: bool = False
    """True when what is not in `rows` is known to be zero."""
    coarse: bool = False
    failed: bool = False
    """True when nothing could be read: then only the source's own row is written."""
    reason: Sentence = SILENCE
    """Why a rerun is needed, in one sentence or some; empty otherwise."""
    totals: Totals = Totals()
    organisation: str | None = None
    """Id of the organisation behind the key, where the provider tells it."""
    known: tuple[tuple[Kind, str], ...] = ()
    """Every id that the key reaches, by its registry or its usage; another account may count some of them."""
    key_mark: str = ""
    """By which the same key is known again; empty where it is not known."""
    control: Control | None = None
    provisional: bool = False
    """True when the provider may still change the closed month."""
    days_read: int | None = None
    missing_days: tuple[date, ...] = ()
    fresh_until: datetime | None = None
    lacking: tuple[Sentence, ...] = ()
    """What is not there, whether a rerun would bring it or not."""
    pages: int = 0
    """Pages of answers."""
    dropped: tuple[Count, ...] = ()
    new_fields: tuple[Count, ...] = ()
    unkept: Sentence = SILENCE
    """Why the archive does not have this reading, where it should."""
    corrections: tuple[Correction, ...] = ()
    """What readings that are kept changed of settled figures, latest first."""
    moved: tuple[tuple[str, str], ...] | None = None
    """Key and workspace (of keys that are words of ours) of rows whose figures are other ones than in the whole reading
    that is kept from before; None where nobody knows."""
    archived_at: datetime | None = None
    """Of a month that the provider does not have, or no longer: when the reading of it was made that is kept."""

    @property
    def is_out_of_reach(self) -> bool:
        """Whether all that was read is that the provider does not have the month, or no longer."""
        return self.status is Status.DONNEES_INDISPONIBLES and not self.rows and not self.known

    def with_archived(self, status: Status, cost: Decimal | None, read_at: datetime) -> Self:
        """The outcome of a month that is out of reach, and of which a reading is kept: it stays what it was.

        Args:
            status: Of the kept reading.
            cost: Its cost, USD.
            read_at: When it was made, UTC.
        """
        log = together([self.log, archived_sentence(self.source, self.month, read_at)])
        changes = {"status": status, "totals": Totals(cost=cost), "archived_at": read_at, "log": log}
        return self.model_copy(update=changes)

    @property
    def is_settled(self) -> bool:
        """Whether the month was over, and the provider done with it, when it was read."""
        return not self.provisional and not self.month.is_running(self.attempted_at)


def failed_outcome(
    source: Source, month: Month, label: str, grain: Grain, *, at: datetime, sentence: Sentence, key_mark: str = ""
) -> SourceOutcome:
    """The outcome of a source that could not be read: why, in one sentence, and when."""
    return SourceOutcome(
        source=source,
        month=month,
        label=label,
        attempted_at=at,
        status=Status.ECHEC,
        rerun=True,
        log=failure_log(source, month, sentence),
        rule=source.provider.spec.grains.rule(grain),
        failed=True,
        reason=sentence,
        key_mark=key_mark,
    )


def build_outcomes(reports: Sequence[LabelledReport], failures: Sequence[SourceOutcome]) -> tuple[SourceOutcome, ...]:
    """Outcomes of all sources of one month: aggregated in one table, shared ids counted once."""
    rows = build_rows(reports)
    outcomes = [_outcome(labelled, rows[labelled.report.source]) for labelled in reports]
    outcomes += failures
    return tuple(_counted_once(sorted(outcomes, key=lambda outcome: (outcome.source.provider, outcome.source.account))))


def _outcome(labelled: LabelledReport, rows: tuple[UsageRow, ...]) -> SourceOutcome:
    report = labelled.report
    # Usage of no workspace is the account's: where a provider has several, nothing else tells theirs apart.
    rows = tuple(row if row.workspace else row.model_copy(update={"workspace": labelled.label}) for row in rows)
    summed = totals(rows)
    return SourceOutcome(
        source=report.source,
        month=report.month,
        label=labelled.label,
        attempted_at=report.read_at,
        status=report.status,
        rerun=bool(report.missing),
        log=source_log(report, summed.cost, len(rows)),
        rule=labelled.rule,
        rows=rows,
        things=report.things,
        # Days that are out of the provider's reach are no proof of anything, hence not with any kind of gap.
        complete=report.status is Status.SUCCES and not report.coarse and (bool(rows) or report.empty_proven),
        coarse=report.coarse,
        reason=together(report.missing),
        totals=summed,
        organisation=report.organisation,
        known=_known(report),
        key_mark=labelled.key_mark,
        control=report.control,
        provisional=report.provisional,
        days_read=report.days_read,
        missing_days=report.missing_days,
        fresh_until=report.fresh_until,
        lacking=tuple(dict.fromkeys([*report.missing, *(gap.sentence for gap in report.gaps)])),
        pages=report.pages,
        dropped=report.dropped,
        new_fields=report.new_fields,
        unkept=report.unkept,
    )


def _known(report: SourceReport) -> tuple[tuple[Kind, str], ...]:
    """Ids of the registry, and of all that was used. A name in an id's place is none: two may share it."""
    found = {(thing.kind, thing.id) for thing in report.things}
    for record in report.records:
        used = {Kind.WORKSPACE: record.workspace, Kind.PROJECT: record.project, Kind.API_KEY: record.api_key}
        found |= {(kind, an_id) for kind, an_id in used.items() if an_id}
    return tuple(sorted(one for one in found if not one[1].startswith(LABEL)))


def _counted_once(outcomes: Iterable[SourceOutcome]) -> list[SourceOutcome]:
    """Drop, from the later account, the rows that an earlier account of the same provider brings, too.

    Where two accounts share an id they see the same organisation, so rows without an id of their own are shared as
    well when they stand for the account as a whole.
    """
    kept: list[SourceOutcome] = []
    for outcome in outcomes:
        before = [other for other in kept if other.source.provider is outcome.source.provider]
        for other in before:
            shared = _ids(other) & _ids(outcome)
            if shared or _is_one_organisation(other, outcome):
                outcome = _without(outcome, other, shared)  # noqa: PLW2901  # each earlier account takes its part
        kept.append(outcome)
    return kept


def _ids(outcome: SourceOutcome) -> set[str]:
    """Ids of the provider's that an account reaches."""
    return {an_id for _, an_id in outcome.known}


def _is_one_organisation(one: SourceOutcome, other: SourceOutcome) -> bool:
    return one.organisation is not None and one.organisation == other.organisation


def _without(outcome: SourceOutcome, other: SourceOutcome, shared: set[str]) -> SourceOutcome:
    """The outcome without what the other account brings already."""
    rows = tuple(row for row in outcome.rows if not _is_counted(row, outcome, other, shared))
    # The ids are the other account's now, and nothing of them may be taken for vanished from this one.
    things = tuple(thing for thing in outcome.things if thing.id not in shared)
    if len(rows) == len(outcome.rows) and rows:
        return outcome.model_copy(update={"things": things})
    shared_with = say(
        "The accounts {one} and {other} see the same things: they are counted once, with {one}.",
        one=other.source.account,
        other=outcome.source.account,
    )
    log = together([outcome.log, shared_with])
    return outcome.model_copy(update={"rows": rows, "totals": totals(rows), "log": log, "things": things})


def _is_counted(row: UsageRow, outcome: SourceOutcome, other: SourceOutcome, shared: set[str]) -> bool:
    """Whether the other account brings what a row tells: the row itself, a part of it, or what it is a part of.

    That the other account reaches an id is not enough: where it brings no usage of it, this row is all there is.
    """
    if "account" in (outcome.rule.key, other.rule.key):
        return bool(other.rows)
    if _is_nobodys(row, outcome):
        # Two organisations may reach one project; what is nobody's within one of them is not the other's.
        is_one = None in (outcome.organisation, other.organisation) or _is_one_organisation(other, outcome)
        return is_one and any(_is_nobodys(mine, other) for mine in other.rows)
    return any(_is_same(mine, row, shared) for mine in other.rows)


def _is_nobodys(row: UsageRow, outcome: SourceOutcome) -> bool:
    """Whether a row tells usage of no id within the account as a whole."""
    return is_bracketed(row.key) and row.workspace == outcome.label


def _is_same(mine: UsageRow, row: UsageRow, shared: set[str]) -> bool:
    """Whether two rows share an id, and either the key as well or one of them stands for a workspace as a whole."""
    if not {mine.key, mine.workspace} & {row.key, row.workspace} & shared:
        return False
    return mine.key in (row.key, mine.workspace) or row.key == row.workspace

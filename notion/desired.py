"""A source's rows as Notion should show them, and how they meet what is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from notion.rows import FIGURES, Values, to_minute
from notion.text import one_line, printable
from usage.breakdown import fitted_json
from usage.money import euros_style
from usage.month import Month
from usage.names import Status
from usage.outcome import SourceOutcome, UsageRow

_RESTATED: Final = re.compile(r" ?Corrigé : \S+ → \S+ USD le \d{4}-\d{2}-\d{2}\.")
VANISHED: Final = "N’apparaît plus dans la réponse complète du fournisseur : mise à 0."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A row and the values it should have."""

    row: UsageRow
    values: Values


def wanted_rows(outcome: SourceOutcome, service: str) -> Iterator[Wanted]:
    """The source's rows as values to write."""
    for row in outcome.rows:
        name = one_line(row.name) or row.key
        yield Wanted(
            row,
            Values(
                identifiant=one_line(f"{outcome.month} - {outcome.source.provider.label} - {name}"),
                service=service,
                mois=str(outcome.month),
                key=row.key,
                workspace=row.workspace,
                modeles=printable(", ".join(row.models)),
                tokens_input=row.totals.tokens_input,
                tokens_output=row.totals.tokens_output,
                cout=row.totals.cost,
                requetes=row.totals.requests,
                breakdown=printable(fitted_json(row.breakdown)),
                collecte_le=to_minute(outcome.attempted_at),
                statut=row.status.value,
                log=printable(row.log),
                nom=name,
            ),
        )


def zeroed(old: Values, outcome: SourceOutcome) -> Values:
    """A row that a complete answer no longer has: its figures become 0, what was empty stays empty."""
    return replace(
        old,
        tokens_input=None if old.tokens_input is None else 0,
        tokens_output=None if old.tokens_output is None else 0,
        cout=None if old.cout is None else 0,
        requetes=None if old.requetes is None else 0,
        modeles="",
        breakdown="[]",
        statut=Status.SUCCES.value,
        log=VANISHED,
        collecte_le=to_minute(outcome.attempted_at),
    )


def is_poorer(new: Values, old: Values) -> bool:
    """Whether an answer in which something is missing says less than the row that is there."""
    if new.statut == Status.SUCCES.value:
        return False
    if new.statut == Status.PARTIEL.value and old.statut == Status.SUCCES.value and old.collecte_le is not None:
        return True
    return any(getattr(new, name) is None and getattr(old, name) is not None for name in FIGURES)


def retold(new: Values, old: Values, month: Month) -> Values:
    """The new values, with the story of the last restatement in the log.

    A change of cost counts as a restatement when the row was last read after the month had ended.
    """
    if not _was_closed(old.collecte_le, month):
        return new
    if old.cout is None or new.cout is None or float(old.cout) == float(new.cout):
        told = _RESTATED.search(old.log)
        return replace(new, log=f"{new.log} {told.group().strip()}".strip()) if told else new
    before, after = euros_style(Decimal(str(old.cout))), euros_style(Decimal(new.cout))
    day = new.collecte_le.date() if new.collecte_le else month.last_day
    return replace(new, log=f"{new.log} Corrigé : {before} → {after} USD le {day}.".strip())


def _was_closed(read_at: datetime | None, month: Month) -> bool:
    return read_at is not None and read_at >= month.end

"""A source's rows as Notion should show them, and how they meet what is there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from notion.rows.values import FIGURES, Existing, Values, to_minute
from notion.text import one_line, printable
from usage.grain import COLLECTION
from usage.money import dollars, french_amount
from usage.month import Month
from usage.names import Status
from usage.outcomes.outcome import SourceOutcome
from usage.outcomes.rows import UsageRow
from usage.records.breakdown import fitted_json, to_json

_RESTATED: Final = re.compile(r" ?Corrigé : \S+ → \S+ USD le \d{4}-\d{2}-\d{2}\.")
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
VANISHED: Final = "N’apparaît plus dans la réponse complète du fournisseur : mise à 0."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A row and the values it should have."""

    row: UsageRow
    values: Values
    name: str
    """The project's or key's, without the account behind it."""


def wanted_rows(outcome: SourceOutcome, service: str, *, several: bool = False) -> Iterator[Wanted]:
    """The source's rows as values to write; `several`: titles end with the account, as others have projects, too."""
    for row in outcome.rows:
        name = one_line(row.name) or row.key
        shown = with_account(name, outcome.label if several else "")
        whole, fitted = to_json(row.breakdown), fitted_json(row.breakdown)
        yield Wanted(
            row,
            Values(
                identifiant=titled(outcome, shown),
                service=service,
                mois=str(outcome.month),
                key=printable(row.key),
                workspace=printable(row.workspace),
                modeles=printable(", ".join(row.models)),
                tokens_input=row.totals.tokens_input,
                tokens_output=row.totals.tokens_output,
                cout=row.totals.cost,
                requetes=row.totals.requests,
                breakdown=printable(fitted),
                collecte_le=to_minute(outcome.attempted_at),
                statut=row.status.value,
                log=printable(row.log),
                nom=shown,
                whole=printable(whole) if whole != fitted else "",
            ),
            name,
        )


def titled(outcome: SourceOutcome, name: str) -> str:
    """The title of a row: `2026-01 - OpenAI - Production (labo)`."""
    return one_line(f"{outcome.month} - {outcome.source.provider.label} - {name}")


def with_account(name: str, label: str) -> str:
    """A name as people tell it from one of another account: `Production (labo)`."""
    return f"{name} ({label})" if label else name


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


def own_row(outcome: SourceOutcome, service: str, receipt: str, *, several: bool) -> Values:
    """The row that tells a source's own story; its title has the account's name where there are several."""
    label = outcome.label if several else ""
    return Values(
        identifiant=titled(outcome, with_account("Collecte", label)),
        service=service,
        mois=str(outcome.month),
        key=COLLECTION,
        workspace=outcome.label,
        breakdown=receipt,
        collecte_le=to_minute(outcome.attempted_at),
        statut=outcome.status.value,
        log=printable(outcome.log),
        nom=with_account(COLLECTION, label),
    )


def is_later(row: Values, than: datetime) -> bool:
    """Whether a row was read after a moment, to the minute that Notion keeps."""
    return row.collecte_le is not None and row.collecte_le > to_minute(than)


def is_poorer(new: Values, old: Values, month: Month) -> bool:
    """Whether an answer in which something is missing says less than the row that is there.

    It does where a figure is gone, or is lower with something else missing than before. A row that was read whole after
    the month's end is fuller than any answer in part, and than one that has no figure higher. A row that older
    collectors marked as failed says nothing.
    """
    if new.statut == Status.SUCCES.value:
        return False
    if new.statut == Status.ECHEC.value and old.statut != new.statut:
        return True
    if old.statut == Status.SUCCES.value and _was_closed(old.collecte_le, month):
        grown = any(compared(new, old, name) > 0 for name in FIGURES)
        if new.statut == Status.PARTIEL.value or not grown:
            return True
    lost = any(getattr(new, name) is None and getattr(old, name) is not None for name in FIGURES)
    lower = any(compared(new, old, name) < 0 for name in FIGURES)
    return lost or (lower and _RESTATED.sub("", old.log) != new.log)


def compared(new: Values, old: Values, name: str) -> float:
    """How much a figure has grown, as doubles; 0 where one of the two is not known."""
    now, before = getattr(new, name), getattr(old, name)
    return 0.0 if now is None or before is None else float(now) - float(before)


def summed(rows: Iterable[Values]) -> Values:
    """The figures of several rows added up; one that none has stays empty."""
    rows = list(rows)

    def total(name: str) -> float | None:
        known = [float(value) for row in rows if (value := getattr(row, name)) is not None]
        return sum(known) if known else None

    return Values(
        tokens_input=total("tokens_input"),
        tokens_output=total("tokens_output"),
        cout=total("cout"),
        requetes=total("requetes"),
    )


def prevailing(rows: Sequence[Existing], month: Month) -> Values:
    """Of several rows of one identity, oldest first, the values that count: read last, unless they are poorer."""
    best, *others = sorted((row.values for row in rows), key=_read_at)
    for values in others:
        is_newer = _read_at(values) > _read_at(best)
        if values.key == COLLECTION:
            best = values if is_newer else best
            continue
        prevails = (is_newer or _says_more(values, best)) and not is_poorer(values, best, month)
        best = values if prevails or is_poorer(best, values, month) else best
    return best


def _says_more(values: Values, than: Values) -> bool:
    """Whether of two rows read at one moment, or nobody knows when, one has all figures of the other and more."""
    pairs = [(getattr(values, name), getattr(than, name)) for name in FIGURES]
    at_least = all(b is None or (a is not None and float(a) >= float(b)) for a, b in pairs)
    return _read_at(values) == _read_at(than) and at_least and pairs != [(b, b) for _, b in pairs]


def _read_at(values: Values) -> datetime:
    return values.collecte_le or _NEVER


def retold(new: Values, old: Values, month: Month) -> Values:
    """The new values, with the story of the last restatement in the log.

    A change of cost counts as a restatement when the row was last read after the month had ended.
    """
    if not _was_closed(old.collecte_le, month):
        return new
    if old.cout is None or new.cout is None or float(old.cout) == float(new.cout):
        told = _RESTATED.search(old.log)
        return replace(new, log=f"{new.log} {told.group().strip()}".strip()) if told else new
    before, after = _amounts(Decimal(str(old.cout)), Decimal(new.cout))
    day = new.collecte_le.date() if new.collecte_le else month.last_day
    return replace(new, log=f"{new.log} Corrigé : {before} → {after} USD le {day}.".strip())


def _amounts(before: Decimal, after: Decimal) -> tuple[str, str]:
    """Both as French readers write them, with every digit where the cents are the same."""
    shown = french_amount(before), french_amount(after)
    return shown if shown[0] != shown[1] else (dollars(before).replace(".", ","), dollars(after).replace(".", ","))


def _was_closed(read_at: datetime | None, month: Month) -> bool:
    return read_at is not None and read_at >= month.end

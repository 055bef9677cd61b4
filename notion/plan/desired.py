"""A source's rows as Notion should show them, and how they meet what stands there.

Rows of another grain than the answer's are met as well. An answer by workspace or account alone may lack a figure for
good that a finer one has written into a row of the same identity: Anthropic's older reports count no requests. What it
lacks stays as it was read before, and the log says so; where it brings nothing else, the row stays as it is. Where the
rows of the new grain take the place of all others, one that people wrote on stays without its figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from notion.plan.reasons import emptied, vanished
from notion.plan.restated import was_closed, without_restatements
from notion.rows.titles import make_title, with_account
from notion.rows.values import COLUMNS, FIGURES, Existing, Identity, Values, to_minute
from notion.text import one_line, printable
from usage.grain import COLLECTION
from usage.language.choice import Language
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.month import Month
from usage.names import Status
from usage.outcomes.outcome import SourceOutcome
from usage.records.breakdown import fit_json, to_json

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A row as it should stand in Notion."""

    values: Values
    name: str
    """The project's or key's, without the account behind it."""
    in_answer: Identity
    """Its identity as it stands in the answer: `values` may get an id that only older rows have."""
    log: Sentence
    """That of `values`, in both languages: what stands in Notion may be in the other one."""


def wanted_rows(outcome: SourceOutcome, service: str, language: Language, *, several: bool) -> list[Wanted]:
    """The source's rows as values to write; `several`: titles end with the account, as others have projects, too."""
    wanted = []
    for row in outcome.rows:
        name = one_line(row.name) or row.key
        shown = with_account(name, outcome.label if several else "")
        whole, fitted = to_json(row.breakdown), fit_json(row.breakdown)
        values = Values(
            title=make_title(outcome, shown),
            service=service,
            month=str(outcome.month),
            key=printable(row.key),
            workspace=printable(row.workspace),
            models=printable(", ".join(row.models)),
            tokens_input=row.totals.tokens_input,
            tokens_output=row.totals.tokens_output,
            cost=row.totals.cost,
            requests=row.totals.requests,
            breakdown=printable(fitted),
            collected_at=to_minute(outcome.attempted_at),
            status=row.status.value,
            log=printable(row.log.told_in(language)),
            name=shown,
            whole=printable(whole) if whole != fitted else "",
        )
        wanted.append(Wanted(values, name, values.identity, row.log))
    return wanted


def with_zeros(old: Values, outcome: SourceOutcome, language: Language) -> Values:
    """A row that a complete answer no longer has: its figures become 0, what was empty stays empty."""
    return replace(
        old,
        tokens_input=None if old.tokens_input is None else 0,
        tokens_output=None if old.tokens_output is None else 0,
        cost=None if old.cost is None else 0,
        requests=None if old.requests is None else 0,
        models="",
        breakdown="[]",
        status=Status.SUCCES.value,
        log=vanished().told_in(language),
        collected_at=to_minute(outcome.attempted_at),
    )


def own_row(outcome: SourceOutcome, service: str, receipt: str, language: Language, *, several: bool) -> Values:
    """The row that tells a source's own story; its title has the account's name where there are several."""
    label = outcome.label if several else ""
    return Values(
        title=make_title(outcome, with_account("Collecte", label)),
        service=service,
        month=str(outcome.month),
        key=COLLECTION,
        workspace=outcome.label,
        breakdown=receipt,
        collected_at=to_minute(outcome.attempted_at),
        status=outcome.status.value,
        log=printable(outcome.log.told_in(language)),
        name=with_account(COLLECTION, label),
    )


def is_later(row: Values, than: datetime) -> bool:
    """Whether a row was read after a moment, to the minute that Notion keeps."""
    return row.collected_at is not None and row.collected_at > to_minute(than)


def is_poorer(new: Values, old: Values, month: Month, log: Sentence | None = None) -> bool:
    """Whether an answer in which something is missing says less than the row that is there.

    It does where a figure is gone, or is lower with something else missing than before. A row that was read whole after
    the month's end is fuller than any answer in part, and than one that has no figure higher. A row that older
    collectors marked as failed says nothing.

    Args:
        new: The answer.
        old: The row that is there.
        month: The month.
        log: The log of the answer, in whose other language the row may have been written; None where it is not known.
    """
    if new.status == Status.SUCCES.value:
        return False
    if new.status == Status.ECHEC.value and old.status != new.status:
        return True
    if old.status == Status.SUCCES.value and was_closed(old.collected_at, month):
        grown = any(growth(new, old, name) > 0 for name in FIGURES)
        if new.status == Status.PARTIEL.value or not grown:
            return True
    lower = any(growth(new, old, name) < 0 for name in FIGURES)
    lacks_the_same = is_told(without_restatements(old.log), log or Sentence.of(new.log))
    return bool(lost_figures(new, old)) or (lower and not lacks_the_same)


def is_told(log: str, sentence: Sentence) -> bool:
    """Whether a log is a sentence, in whichever language."""
    return log in (printable(sentence.told_in(language)) for language in Language)


def growth(new: Values, old: Values, name: str) -> float:
    """How much a figure has grown, as doubles; 0 where one of the two is not known."""
    now, before = getattr(new, name), getattr(old, name)
    return 0.0 if now is None or before is None else float(now) - float(before)


def add_up(rows: Iterable[Values]) -> Values:
    """The figures of several rows added up; one that none has stays empty."""
    rows = list(rows)

    def total(name: str) -> float | None:
        known = [float(value) for row in rows if (value := getattr(row, name)) is not None]
        return sum(known) if known else None

    return Values(
        tokens_input=total("tokens_input"),
        tokens_output=total("tokens_output"),
        cost=total("cost"),
        requests=total("requests"),
    )


def choose_values(rows: Sequence[Existing], month: Month) -> Values:
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
    return values.collected_at or _NEVER


def lost_figures(new: Values, old: Values) -> tuple[str, ...]:
    """Figures of a row that a new answer does not have."""
    return tuple(name for name in FIGURES if getattr(new, name) is None and getattr(old, name) is not None)


def says_no_more(new: Values, old: Values) -> bool:
    """Whether a coarse answer lacks figures of the row, and has none that is new."""
    news = [name for name in FIGURES if getattr(new, name) is not None and getattr(old, name) is None]
    same = all(growth(new, old, name) == 0 for name in FIGURES)
    return bool(lost_figures(new, old)) and same and not news


def without_figures(old: Values, at: datetime, language: Language) -> Values:
    """A row whose figures are told by rows of another grain now: nothing in it counts a second time.

    Empty rather than 0, and without a status: whatever is read by this grain again says more.
    """
    return replace(
        old,
        tokens_input=None,
        tokens_output=None,
        cost=None,
        requests=None,
        models="",
        breakdown="",
        status=None,
        log=emptied().told_in(language),
        collected_at=to_minute(at),
    )


def with_lost_figures(new: Values, old: Values, language: Language) -> Values:
    """The values of a coarse answer, with those figures of the row that it lacks."""
    lost = lost_figures(new, old)
    if not lost:
        return new
    columns = ", ".join(COLUMNS[name] for name in lost)
    told = say("Taken over from an older and finer reading: {columns}.", columns=columns).told_in(language)
    return replace(new, log=f"{new.log} {told}".strip(), **{name: getattr(old, name) for name in lost})

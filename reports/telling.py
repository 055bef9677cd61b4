"""A comparison in sentences: what commands, pages and digests end with. Names in them are other people's text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from reports.comparison import MOST_SHOWN, Comparison, Mover
from reports.currency import Rates
from usage.language.words import Words
from usage.money import dollars
from usage.names import ProviderName
from usage.outcomes.told import Told, ToldMover

_ZERO: Final = Decimal(0)


def told(comparison: Comparison, words: Words, rates: Rates | None = None) -> Told:
    """A comparison as commands print it, with its sentences.

    Args:
        comparison: What is told.
        words: In which language.
        rates: A second currency, in which the total is told as well where the month has a rate.
    """
    cost = comparison.cost
    return Told(
        month=comparison.month,
        total_usd=_digits(comparison.total),
        previous=comparison.month.previous(),
        until=comparison.until,
        before_usd=None if cost is None else _digits(cost.before),
        now_usd=None if cost is None else _digits(cost.now),
        change_usd=None if cost is None else _digits(cost.amount),
        movers=tuple(map(_told_mover, comparison.movers[:MOST_SHOWN])),
        not_compared=tuple(name for name in ProviderName if name in {*comparison.left_out, *comparison.unread}),
        lines=tuple(lines(comparison, words, rates or Rates())),
        language=words.language,
    )


def lines(comparison: Comparison, words: Words, rates: Rates) -> Iterator[str]:
    """The total and its change, the rows that moved most, and what is not compared; one sentence a line."""
    yield from _total(comparison, words, rates)
    yield from (_moved(mover, words) for mover in comparison.movers[:MOST_SHOWN])
    if comparison.unread:
        yield words("Not compared, as one of the two months was not read: {names}.", names=_names(comparison.unread))
    if comparison.left_out:
        yield words("Not compared, as their days are not known: {names}.", names=_names(comparison.left_out))
    if comparison.unknown:
        yield words.count(
            "Not compared: {number} row whose cost is known in one of the two months alone.",
            "Not compared: {number} rows whose cost is known in one of the two months alone.",
            len(comparison.unknown),
        )
    if comparison.month in rates.rates:
        yield rates.rates[comparison.month].label(words)


def _total(comparison: Comparison, words: Words, rates: Rates) -> Iterator[str]:
    cost, previous = comparison.cost, words.month(comparison.month.previous())
    total = {
        "month": words.month(comparison.month),
        "total": rates.show(rates.both(comparison.total, comparison.month), words),
    }
    if cost is None or cost.amount is None:
        yield words(
            "Total of {month}: {total}. Nothing of {previous} can be held against it.", previous=previous, **total
        )
        return
    figures = {
        "previous": previous,
        "now": words.dollars(cost.now or _ZERO),
        "before": words.dollars(cost.before or _ZERO),
        "change": _change(cost.amount, cost.share, words),
    }
    if comparison.until is None and comparison.total == cost.now:
        yield words("Total of {month}: {total}, {change} against {previous} ({before}).", **total, **figures)
        return
    yield words("Total of {month}: {total}.", **total)
    if comparison.until is None:
        yield words("What both months tell: {now}, {change} against {previous} ({before}).", **figures)
    else:
        day = words.day(comparison.until)
        yield words("Up to {day}: {now}, {change} against the same days of {previous} ({before}).", day=day, **figures)


def _moved(mover: Mover, words: Words) -> str:
    row, cost, model = mover.row, mover.cost, mover.model
    name, change = f"{row.provider.label}, {row.title}", _change(cost.amount or _ZERO, cost.share, words)
    model_change = words.signed(mover.model_cost.amount)
    if cost.now is None:
        return words("{row}: {change}, gone this month.", row=name, change=change)
    if cost.before is None and model:
        return words("{row}: {change}, new this month, mostly {model}.", row=name, change=change, model=model)
    if cost.before is None:
        return words("{row}: {change}, new this month.", row=name, change=change)
    if not model:
        return words("{row}: {change}.", row=name, change=change)
    figures = {"change": change, "model": model, "model_change": model_change}
    return words("{row}: {change}, most of it {model} ({model_change}).", row=name, **figures)


def _change(amount: Decimal, share: Decimal | None, words: Words) -> str:
    shown = words.signed(amount)
    return shown if share is None else f"{shown} ({words.percent(share, signed=True)})"


def _names(providers: Iterable[ProviderName]) -> str:
    return ", ".join(provider.label for provider in providers)


def _told_mover(mover: Mover) -> ToldMover:
    row, cost = mover.row, mover.cost
    return ToldMover(
        provider=row.provider,
        account=row.account,
        key=row.key,
        name=row.name,
        before_usd=_digits(cost.before),
        now_usd=_digits(cost.now),
        change_usd=_digits(cost.amount),
        model=mover.model,
        model_change_usd=_digits(mover.model_cost.amount),
    )


def _digits(amount: Decimal | None) -> str | None:
    return None if amount is None else dollars(amount)

"""What moved between two readings, as commands show it: in a table, and in JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

from archive.history import Move
from usage.language.marks import to_say
from usage.language.reader import phrase, reader_words
from usage.money import difference, digits, tell_apart
from usage.records.record import UsageRecord

_COUNTS: Final = {
    "tokens_input": to_say("tokens in"),
    "tokens_output": to_say("tokens out"),
    "requests": to_say("requests"),
    "missing_amounts": to_say("missing amounts"),
}


class Figures(BaseModel):
    """Figures of a record; None where the provider does not tell them. Amounts are text with every digit."""

    model_config = ConfigDict(frozen=True)

    cost_usd: str | None
    allocated_usd: str | None
    """The part of it that was divided among keys by usage."""
    tokens_input: int | None
    tokens_output: int | None
    requests: int | None
    units: dict[str, str]
    """Other units, like `characters`."""
    missing_amounts: int
    """How many amounts the provider announced and did not give."""

    @classmethod
    def of(cls, record: UsageRecord) -> Self:
        """The figures of a record."""
        return cls(
            cost_usd=exact(record.cost),
            allocated_usd=exact(record.allocated),
            tokens_input=record.tokens_input,
            tokens_output=record.tokens_output,
            requests=record.requests,
            units={name: digits(amount) for name, amount in record.units},
            missing_amounts=record.missing_amounts,
        )


class Moved(BaseModel):
    """One day, project, key and model whose figures moved; `day` is None where the provider tells no days."""

    model_config = ConfigDict(frozen=True)

    day: date | None
    workspace: str | None
    project: str | None
    api_key: str | None
    model: str | None
    item: str | None
    """What it is for where it belongs to no model."""
    old: Figures
    new: Figures
    difference_usd: str

    @classmethod
    def of(cls, move: Move) -> Self:
        """What `--json` prints of a move."""
        day, workspace, project, api_key, model, item = move.old.ids
        return cls(
            day=day,
            workspace=workspace,
            project=project,
            api_key=api_key,
            model=model,
            item=item,
            old=Figures.of(move.old),
            new=Figures.of(move.new),
            difference_usd=digits(move.cost),
        )

    @property
    def owner(self) -> str:
        """The ids of workspace, project and key, as far as there are any."""
        return " / ".join(one for one in (self.workspace, self.project, self.api_key) if one is not None) or "–"

    @property
    def what(self) -> str:
        """The model, or what else it is for."""
        return self.model or self.item or "–"


def exact(amount: Decimal | None) -> str | None:
    """An amount with every digit."""
    return None if amount is None else digits(amount)


def old_and_new(old: Figures, new: Figures) -> tuple[str, str, str]:
    """Two costs, to the decimal in which they differ, and the difference, exact; for tables."""
    if old.cost_usd is None or new.cost_usd is None:
        known = [one for one in (old.cost_usd, new.cost_usd) if one is not None]
        signed = "" if not known else _signed(Decimal(known[0]) if old.cost_usd is None else -Decimal(known[0]))
        return _exact(old.cost_usd), _exact(new.cost_usd), signed
    was, now = Decimal(old.cost_usd), Decimal(new.cost_usd)
    left, right = map(reader_words().decimal, tell_apart(was, now))
    return left, right, _signed(difference(now, was))


def other_figures(old: Figures, new: Figures) -> str:
    """What differs beside the cost, in words: `tokens input 10 → 12`."""
    return ", ".join(f"{name} {was} → {now}" for name, was, now in _pairs(old, new) if was != now)


def _pairs(old: Figures, new: Figures) -> Iterator[tuple[str, str, str]]:
    for name, told in _COUNTS.items():
        was, now = getattr(old, name), getattr(new, name)
        yield phrase(told), _count(was), _count(now)
    yield phrase("divided by usage"), _exact(old.allocated_usd), _exact(new.allocated_usd)
    for name in sorted(old.units.keys() | new.units.keys()):
        yield name.replace("_", " "), _exact(old.units.get(name)), _exact(new.units.get(name))


def _exact(amount: str | None) -> str:
    return "–" if amount is None else reader_words().decimal(amount)


def _count(count: int | None) -> str:
    return reader_words().whole(count)


def _signed(amount: Decimal) -> str:
    text = reader_words().decimal(digits(amount))
    return text if amount <= 0 else f"+{text}"

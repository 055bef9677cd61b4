"""The receipt of a reading: what a source's own row keeps of it, for people and for the next run.

It is written last, with the source's own row, and so it vouches for the rows that were written before. The next run
reads in it which organisation wrote the month, as the labels of accounts change.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from notion.rows.values import Existing
from usage.language.choice import Language
from usage.language.sentence import Sentence
from usage.money import dollars
from usage.names import Kind
from usage.outcomes.outcome import SourceOutcome
from usage.outcomes.report import Count

COUNTS: Final = ("tokens_input", "tokens_output", "requests")
"""Sums of the rows that are no money."""
_MOST_IDS: Final = 10
"""Ids that stand for an organisation: a few of the same are enough to know it again."""


class Receipt(BaseModel):
    """What a reading covered. Amounts are USD, exact; times UTC. Fields that are not known are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    organisation: str | None = None
    """The provider's id of it; None where the provider tells none: then `ids` stand for it."""
    ids: tuple[str, ...] = ()
    """Some ids of its projects, workspaces or keys, sorted."""
    key: str = ""
    """Mark of the key that was used: the same key is the same organisation's."""
    grain: str = ""
    days: str = ""
    """Days read of days asked, like `31/31`; empty where the provider gives no days."""
    missing_days: tuple[date, ...] = ()
    """Days of a month that is over that the answers do not hold."""
    answer_pages: int | None = None
    """Pages of answers."""
    rows: int | None = None
    cost_usd: Decimal | None = None
    allocated_usd: Decimal | None = None
    """The part of it that the provider does not give by key, and that was divided among keys by usage."""
    tokens_input: int | None = None
    tokens_output: int | None = None
    requests: int | None = None
    """Sums of the rows, as `cost_usd`."""
    control_usd: Decimal | None = None
    """The provider's own total, where it was read."""
    control_sum_usd: Decimal | None = None
    """Sum of the lines that it was held against, where that is another one than `cost_usd`: accounts may share rows."""
    control_agrees: bool | None = None
    """Whether that agrees with the sum of the lines; None where it was not read."""
    read_at: datetime | None = None
    fresh_until: datetime | None = None
    """How far the figures go by the provider's own mark."""
    lacking: tuple[str, ...] = ()
    """What was not there, in the language of Notion when it was written."""
    lacking_in: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """The same in other languages, for readers of those; older receipts have none."""
    dropped: Mapping[str, int] = Field(default_factory=dict)
    """What was left out of the answers, and how many times."""
    new_fields: Mapping[str, int] = Field(default_factory=dict)
    """Fields of the answers that this version does not know, and how many lines have them."""
    pages: tuple[str, ...] = ()
    """Page ids of rows that nothing else shows to be the source's: those without an id of the provider’s, and those
    somebody else created."""
    version: str = ""

    @property
    def lacks(self) -> tuple[Sentence, ...]:
        """What was not there, in both languages as far as they were written down."""
        if any(len(told) != len(self.lacking) for told in self.lacking_in.values()):
            # Somebody has taken a line away.
            return tuple(map(Sentence.of, self.lacking))
        english, french = (self.lacking_in.get(name, self.lacking) for name in (Language.EN, Language.FR))
        return tuple(Sentence(en=en, fr=fr) for en, fr in zip(english, french, strict=True))

    def with_pages(self, pages: Iterable[str]) -> Self:
        """The same with more pages."""
        return self.model_copy(update={"pages": tuple(sorted({*self.pages, *pages}))})

    def to_json(self) -> str:
        """The object, amounts as number literals that carry every digit."""
        parts: dict[str, str] = {
            "organisation": _text(self.organisation),
            "ids": _text(self.ids),
            "key": _text(self.key),
            "grain": _text(self.grain),
            "days": _text(self.days or None),
            "missing_days": _text([day.isoformat() for day in self.missing_days]),
            "answer_pages": _text(self.answer_pages),
            "rows": _text(self.rows),
            "cost_usd": _amount(self.cost_usd),
            "allocated_usd": _amount(self.allocated_usd),
            "tokens_input": _text(self.tokens_input),
            "tokens_output": _text(self.tokens_output),
            "requests": _text(self.requests),
            "control_usd": _amount(self.control_usd),
            "control_sum_usd": _amount(self.control_sum_usd),
            "control_agrees": _text(self.control_agrees),
            "read_at": _instant(self.read_at),
            "fresh_until": _instant(self.fresh_until),
            "lacking": _text(self.lacking),
            "lacking_in": _text(dict(self.lacking_in)),
            "dropped": _text(dict(self.dropped)),
            "new_fields": _text(dict(self.new_fields)),
            "pages": _text(self.pages),
            "version": _text(self.version),
        }
        # What is empty is left out, but for what a reader looks for.
        shown = {"organisation", "days", "rows", "cost_usd", "control_usd", "read_at", "dropped", "version"}
        shown |= {"missing_days"} if self.days else set()
        filled = {name: text for name, text in parts.items() if name in shown or text not in ("[]", "{}", "null", '""')}
        return "{" + ",".join(f'"{name}":{text}' for name, text in filled.items()) + "}"


def read_receipt(text: str) -> Receipt | None:
    """The receipt in a cell; None where there is none, or a person has made it unreadable."""
    if not text.startswith("{"):
        return None
    try:
        # `days` may be null, and so may anything that a person has emptied.
        found = {name: value for name, value in json.loads(text, parse_float=Decimal).items() if value is not None}
        receipt = Receipt.model_validate(found)
    except (ValueError, RecursionError, ValidationError):
        return None
    # Without an offset it is UTC, as everything here.
    instants = {"read_at": receipt.read_at, "fresh_until": receipt.fresh_until}
    naive = {name: at.replace(tzinfo=UTC) for name, at in instants.items() if at is not None and at.tzinfo is None}
    return receipt.model_copy(update=naive) if naive else receipt


def receipt_of(outcome: SourceOutcome, language: Language, pages: Collection[str] = ()) -> Receipt:
    """The receipt of what a source brought.

    Args:
        outcome: What it brought.
        language: Of Notion.
        pages: See `Receipt.pages`.
    """
    days = "" if outcome.days_read is None else f"{outcome.days_read}/{outcome.month.days}"
    control, cost = outcome.control, outcome.totals.cost
    told = {name: tuple(one.told_in(name) for one in outcome.lacking) for name in Language}
    return Receipt(
        organisation=outcome.organisation,
        ids=organisation_ids(outcome),
        key=outcome.key_mark,
        grain="api_key" if outcome.rule.kind is Kind.API_KEY else "project",
        days=days,
        missing_days=outcome.missing_days,
        answer_pages=outcome.pages,
        rows=len(outcome.rows),
        cost_usd=cost,
        allocated_usd=outcome.totals.allocated,
        tokens_input=outcome.totals.tokens_input,
        tokens_output=outcome.totals.tokens_output,
        requests=outcome.totals.requests,
        control_usd=None if control is None else control.total,
        control_sum_usd=None if control is None or control.summed == cost else control.summed,
        control_agrees=None if control is None else control.agrees,
        read_at=outcome.attempted_at,
        fresh_until=outcome.fresh_until,
        lacking=told[language],
        lacking_in={name.value: sentences for name, sentences in told.items() if sentences != told[language]},
        dropped=_counts(outcome.dropped, language),
        new_fields=_counts(outcome.new_fields, language),
        pages=tuple(sorted(pages)),
        version=version("llm-usage"),
    )


def organisation_ids(outcome: SourceOutcome) -> tuple[str, ...]:
    """Ids by which an organisation is known again: of its projects and workspaces, else of its keys."""
    places = sorted(an_id for kind, an_id in outcome.known if kind is not Kind.API_KEY)
    keys = sorted(an_id for kind, an_id in outcome.known if kind is Kind.API_KEY)
    return tuple((places or keys)[:_MOST_IDS])


def owners(own: Iterable[Existing]) -> dict[str, str]:
    """Of sources' own rows, and of the pages that their receipts name, which organisation wrote them.

    Args:
        own: Sources' own rows.

    Returns:
        Something that two organisations do not have in common, by page id. Rows that no receipt tells are left out.
    """
    found: dict[str, str] = {}
    for row in own:
        receipt = read_receipt(row.values.breakdown)
        if receipt is not None:
            name = receipt.organisation or " ".join(receipt.ids) or receipt.key
            found |= dict.fromkeys((row.page_id, *receipt.pages), name)
    return found


def _counts(counts: Sequence[Count], language: Language) -> dict[str, int]:
    summed: dict[str, int] = {}
    for one in counts:
        what = one.what.told_in(language)
        summed[what] = summed.get(what, 0) + one.count
    return summed


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _instant(at: datetime | None) -> str:
    return _text(at.isoformat() if at is not None else None)


def _amount(amount: Decimal | None) -> str:
    return "null" if amount is None else dollars(amount)

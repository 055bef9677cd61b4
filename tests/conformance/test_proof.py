"""A cent or a day taken out of one page of one answer: found, named, and the source is `Partiel`.

OpenAI tells its days, so one that is gone is named. Where a provider does not (ElevenLabs, OpenRouter, Anthropic's
newer reports), and at Deepgram, which only says what period an answer is about, a day that is gone is found by its
money: the total that the provider gives without groups. A day on which nothing was spent can't be missed there, nor
money that is gone from the lines and the total alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.faults import Fault, Kind
from tests.conformance.desk import Case, Desk
from usage.names import ProviderName, Status
from usage.outcomes.rows import totals
from usage.outcomes.story import source_log

TIMES = ("date__day", "created_at__day")


@dataclass(frozen=True)
class Amount:
    """An amount in an answer: where it stands, the day of its line, and the list from which the line may go."""

    holder: Any
    place: Any
    line: Any
    lines: list[Any]
    day: Any

    @property
    def value(self) -> Decimal:
        return Decimal(str(self.holder[self.place]))

    def take(self, amount: Decimal) -> None:
        left = self.value - amount
        self.holder[self.place] = str(left) if isinstance(self.holder[self.place], str) else float(left)


def amounts_of(name: str, body: Any) -> Iterator[Amount]:
    """All amounts of an answer about money."""
    if name == ProviderName.OPENAI:
        for bucket in body["data"]:
            for line in bucket["results"]:
                yield Amount(line["amount"], "value", bucket, body["data"], bucket["start_time"])
    elif name == ProviderName.ELEVENLABS:
        place = body["columns"].index("total_cost")
        for row in body["rows"]:
            yield Amount(row, place, row, body["rows"], row[0])
    elif name == ProviderName.DEEPGRAM:
        for line in body["results"]:
            yield Amount(line, "dollars", line, body["results"], line["grouping"]["start"])
    elif name == ProviderName.OPENROUTER:
        lines = body["data"]["data"]
        for line in lines:
            yield Amount(line, "credits_usage", line, lines, next(line[time] for time in TIMES if time in line))
    else:
        for line in body["data"]:
            is_anthropic = name == ProviderName.ANTHROPIC
            holder, place, day = (line["cost"], "amount", "starting_at") if is_anthropic else (line, "cost", "day")
            yield Amount(holder, place, line, body["data"], line[day])


TOTAL_APART = frozenset(
    {
        ProviderName.OPENAI,
        ProviderName.ANTHROPIC,
        ProviderName.ELEVENLABS,
        ProviderName.DEEPGRAM,
        ProviderName.OPENROUTER,
    }
)
"""Providers whose total is a question of its own; others tell it beside the lines."""


def is_grouped(query: Any, body: bytes) -> bool:
    """Whether lines are asked for, and not the total."""
    asked = json.loads(body) if body else {}
    names = ("group_by[]", "grouping")
    return any(name in query for name in names) or bool(asked.get("group_by") or asked.get("dimensions"))


def spoil(case: Case, desk: Desk, change: Callable[[Amount, list[Amount]], None]) -> Callable[[], str]:
    """Change the first answer that has an amount of five cents, and the same answer whenever it is asked for again."""
    least = Decimal(5) if case.name is ProviderName.ANTHROPIC else Decimal("0.05")
    spoiled: list[str] = []
    days: list[str] = []

    def rewrite(body: Any) -> Any:
        found = list(amounts_of(case.name, body))
        large = next((one for one in found if one.value >= least), None)
        content = json.dumps([str(one.value) for one in found])
        if large is not None and (not spoiled or spoiled[0] == content):
            spoiled[:] = [content]
            days[:] = [str(large.day)]
            change(large, found)
        return body

    desk.server.faults.add(
        Fault(
            case.name.value,
            Kind.REWRITE,
            path=case.money,
            when=is_grouped if case.name in TOTAL_APART else None,
            rewrite=rewrite,
            times=-1,
        )
    )
    return lambda: days[0]


def log_of(desk: Desk, report: Any) -> str:
    rows = desk.rows(report)
    return source_log(report, totals(rows).cost, len(rows)).fr


def test_a_cent_that_is_gone_is_found(case: Case, desk: Desk) -> None:
    whole = desk.read()
    assert whole.status is Status.SUCCES
    cent = Decimal(1) if case.name is ProviderName.ANTHROPIC else Decimal("0.01")
    spoil(case, desk, lambda amount, _: amount.take(cent))
    report = desk.read()
    assert report.status is Status.PARTIEL
    assert report.control is not None
    assert not report.control.agrees
    assert abs(report.control.total - report.control.summed - Decimal("0.01")) < Decimal("0.000001")
    log = log_of(desk, report)
    assert "Total de contrôle : " in log
    assert "Pour relancer : llm-usage collect --month 2026-01" in log


def test_a_day_that_is_gone_is_found(case: Case, desk: Desk) -> None:
    def without_its_day(amount: Amount, found: list[Amount]) -> None:
        gone = [one.line for one in found if one.day == amount.day]
        amount.lines[:] = [line for line in amount.lines if line not in gone]

    day = spoil(case, desk, without_its_day)
    report = desk.read()
    assert report.status is Status.PARTIEL
    log = log_of(desk, report)
    if case.name is ProviderName.OPENAI:
        assert report.days_read == 30
        missing = date(2026, 1, 1).toordinal() + (int(day()) - 1767225600) // 86400
        assert report.missing_days == (date.fromordinal(missing),)
        assert "30 jours lus sur 31 ; manque le " in log
    else:
        assert report.control is not None
        assert not report.control.agrees
        assert "Total de contrôle : " in log

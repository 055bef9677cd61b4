"""Outcomes and rows of *Usages* in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from notion.plan.plan import make_plan
from notion.plan.steps import Action, Context, Plan
from notion.rows.values import COLUMNS, FIGURES, Existing, Values, to_minute
from usage.month import Month
from usage.names import DEFAULT_ACCOUNT, Grain, Kind, ProviderName, Source, Status
from usage.outcomes.outcome import SourceOutcome, Totals, UsageRow
from usage.outcomes.report import Control, Thing
from usage.outcomes.rows import totals
from usage.records.breakdown import BreakdownEntry
from usage.records.grain import COLLECTION, GRAINS, LABEL, Rule, is_bracketed

JANUARY = Month(2026, 1)
READ_AT = datetime(2026, 2, 5, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Made:
    """Outcomes and rows as tests write them: January 2026, read on the 5th of February."""

    month: Month = JANUARY
    read_at: datetime = READ_AT

    def row(self, key: str, cost: object = "1.5", **more: Any) -> UsageRow:
        amount = None if cost is None else Decimal(str(cost))
        fields: dict[str, Any] = {
            "key": key,
            "workspace": "",
            "name": key,
            "models": ("gpt-4o",),
            "totals": Totals(cost=amount, tokens_input=10, tokens_output=5, requests=2),
            "breakdown": (BreakdownEntry(model="gpt-4o", cost=amount, requests=2, tokens_input=10, tokens_output=5),),
            "status": Status.SUCCES,
            "log": "Coûts du rapport.",
        }
        return UsageRow(**(fields | more))

    def outcome(
        self, *rows: UsageRow, provider: ProviderName = ProviderName.OPENAI, account: str = DEFAULT_ACCOUNT, **more: Any
    ) -> SourceOutcome:
        grains = GRAINS[provider]
        fields: dict[str, Any] = {
            "source": Source(provider=provider, account=account),
            "month": self.month,
            "label": "" if account == DEFAULT_ACCOUNT else account,
            "attempted_at": self.read_at,
            "status": Status.SUCCES,
            "rerun": False,
            "log": "Tout a été lu.",
            "rule": grains.rule(grains.default, coarse=bool(more.get("coarse"))),
            "rows": rows,
            "complete": not more.get("coarse"),
            "totals": totals(rows),
            "control": Control(total=Decimal(1), summed=Decimal(1), agrees=True),
            "known": known_ids(rows, more.get("things", ()), more.get("rule") or grains.rule(grains.default)),
        }
        return SourceOutcome(**(fields | more))

    def in_grain(self, provider: ProviderName, grain: Grain, *, coarse: bool = False) -> Any:
        return GRAINS[provider].rule(grain, coarse=coarse)


def known_ids(rows: Iterable[UsageRow], things: Iterable[Thing], rule: Rule) -> tuple[tuple[Kind, str], ...]:
    """The ids that an account reaches, by its registry and by what it brings."""
    rows = () if rule.key == "account" else rows
    used = {(Kind.PROJECT, row.key) for row in rows if not is_bracketed(row.key) and not row.key.startswith(LABEL)}
    return tuple(sorted({(thing.kind, thing.id) for thing in things} | used))


@dataclass
class Table:
    """Rows of *Usages* in memory: what a plan is made against, and what becomes of it."""

    labels: dict[ProviderName, tuple[str, ...]] = field(default_factory=lambda: dict.fromkeys(ProviderName, ("",)))
    rows: dict[str, Existing] = field(default_factory=dict)
    earlier: list[Existing] = field(default_factory=list)
    _made: int = 0

    def plan(self, *outcomes: SourceOutcome, **more: Any) -> Plan:
        services = {provider: f"service-{provider.value}" for provider in ProviderName}
        context = Context(tuple(COLUMNS), services, self.labels, self.earlier, **more)
        return make_plan(outcomes, list(self.rows.values()), context)

    def collect(self, *outcomes: SourceOutcome, **more: Any) -> Plan:
        """Plan, and do what the plan says."""
        plan = self.plan(*outcomes, **more)
        created: dict[Any, str] = {}
        for step in sorted(plan.steps, key=lambda step: step.values.key == COLLECTION):
            if step.receipt is not None:
                named = [
                    page
                    for (service, one), page in created.items()
                    if service == step.values.service and one in step.vouches
                ]
                told = step.receipt.with_pages(named).to_json()
                step = replace(  # noqa: PLW2901  # what the writer does
                    step, values=replace(step.values, breakdown=told), fields=(*step.fields, "breakdown")
                )
            if step.action is Action.CREATE:
                created[step.values.service, step.values.identity] = self.put(step.values).page_id
            elif step.action is Action.UPDATE:
                old = self.rows[step.page_id or ""]
                written = {name: as_notion(name, getattr(step.values, name)) for name in step.fields}
                self.rows[old.page_id] = replace(old, values=replace(old.values, **written))
            elif step.action is Action.TRASH:
                del self.rows[step.page_id or ""]
        return plan

    def put(self, values: Values | None = None, **more: Any) -> Existing:
        """A row that stands there, newer than those before."""
        if values is None:
            provider = more.pop("provider", ProviderName.OPENAI)
            title = f"2026-01 - {provider.label} - {more.get('name') or more.get('key')}"
            given = {"service": f"service-{provider.value}", "month": "2026-01", "title": title}
            values = Values(**(given | more))
        self._made += 1
        page_id = f"page-{self._made:04d}"
        kept = {name: as_notion(name, getattr(values, name)) for name in COLUMNS}
        self.rows[page_id] = Existing(page_id, READ_AT + timedelta(minutes=self._made), Values(**kept))
        return self.rows[page_id]

    def values(self, key: str, workspace: str | None = None) -> Values:
        """The one row of this key."""
        (found,) = (
            row.values
            for row in self.rows.values()
            if row.values.key == key and workspace in (None, row.values.workspace)
        )
        return found

    def keys(self) -> list[str]:
        return sorted(row.values.key for row in self.rows.values())

    def cost(self) -> float:
        return sum(float(row.values.cost or 0) for row in self.rows.values())


def as_notion(name: str, value: Any) -> Any:
    """A value as Notion returns it."""
    if name in FIGURES:
        return None if value is None else float(value)
    return to_minute(value) if isinstance(value, datetime) else value

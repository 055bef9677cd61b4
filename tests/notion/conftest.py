from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from notion.client.gateway import Gateway
from notion.client.pace import Pace
from notion.databases.declared import USAGES
from notion.databases.found import Column, Found
from notion.plan.plan import make_plan
from notion.plan.steps import Action, Context, Plan
from notion.rows.values import COLUMNS, FIGURES, Existing, Values, to_minute
from notion.setup.databases import SetupResult, set_up
from notion.workspace import Workspace
from sandbox.notion import NotionApi
from sandbox.notion.store import Database
from sandbox.server import Server
from usage.month import Month
from usage.names import DEFAULT_ACCOUNT, Grain, Kind, ProviderName, Source, Status
from usage.outcomes.outcome import SourceOutcome, Totals, UsageRow
from usage.outcomes.report import Control, Thing
from usage.outcomes.rows import totals
from usage.records.breakdown import BreakdownEntry
from usage.records.grain import COLLECTION, GRAINS, LABEL, Rule, is_bracketed
from usage.settings import KEY_VARIABLES, NotionSettings, Settings, load_settings


class Stage:
    """A place in the server for one stand-in after the other: starting a server for each test would take longer than
    the tests."""

    name, mount = NotionApi.name, NotionApi.mount

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.moment = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
        self.api = NotionApi(lambda: self.moment)

    @property
    def app(self) -> Any:
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.api.app(scope, receive, send)

    def environment(self, base_url: str) -> dict[str, str]:
        return self.api.environment(base_url)


class Unhurried(Pace):
    """Lets every request through at once, and does without the file: it would take longer than the requests."""

    def wait(self) -> None:
        pass

    def pause(self, seconds: float) -> None:
        pass


@dataclass
class Notion:
    """The stand-in on a loopback port, and connections to it that never wait."""

    server: Server
    folder: Path
    _stage: Stage
    naps: list[float] = field(default_factory=list)
    """Seconds that were to be slept."""
    _open: list[Gateway] = field(default_factory=list)

    @property
    def api(self) -> NotionApi:
        return self._stage.api

    def renew(self) -> None:
        """An empty workspace, no faults, nothing asked yet."""
        self._stage.renew()
        self.server.faults.clear()
        self.server.journal.clear()
        self.naps.clear()

    def wait(self, minutes: int) -> None:
        """Put Notion's clock forward."""
        self._stage.moment += timedelta(minutes=minutes)

    def settings(self, **changes: Any) -> NotionSettings:
        return load_settings(self.server.environment(), dotenv=None).notion.model_copy(update=changes)

    def gateway(
        self,
        settings: NotionSettings | None = None,
        *,
        sleep: Callable[[float], None] | None = None,
        pace: Pace | None = None,
    ) -> Gateway:
        gateway = Gateway(settings or self.settings(), sleep=sleep or self.nap, pace=pace or self.pace())
        self._open.append(gateway)
        return gateway

    @cached_property
    def connection(self) -> Gateway:
        """One connection for a test that asks often: each new one takes as long as a dozen requests."""
        return self.gateway()

    def pace(self) -> Pace:
        return Unhurried("test", 60_000, folder=self.folder)

    def nap(self, seconds: float) -> None:
        self.naps.append(seconds)

    def close(self) -> None:
        for gateway in self._open:
            gateway.close()

    def set_up(self, configured: frozenset[ProviderName] = frozenset(ProviderName), **settings: Any) -> SetupResult:
        return set_up(self.connection, self.settings(**settings), configured)

    @property
    def services(self) -> Database:
        return self.api.store.database("Services LLM")

    @property
    def usages(self) -> Database:
        return self.api.store.database("Usages LLM")

    def make_by_hand(self) -> None:
        """Databases as people make them: accents, other names, columns missing, rows and columns of their own."""
        store = self.api.store
        made = store.make_database(
            "Services LLM",
            {
                "Nom du service": {"title": {}},
                "Statut": {"select": {"options": [{"name": "Inactif", "color": "red"}, {"name": "En test"}]}},
                "Contact": {"email": {}},
                "Notes": {"rich_text": {}},
            },
        )
        store.add_row(
            made, {"Nom du service": "Open AI", "Statut": "Inactif", "Notes": "à revoir", "Contact": "a@b.ch"}
        )
        store.add_row(made, {"Nom du service": "Mistral", "Statut": "En test"})
        store.make_database(
            "Usages LLM",
            {"Ligne": {"title": {}}, "Coût USD": {"number": {"format": "euro"}}, "Tokens entrée": {"number": {}}},
        )

    def state(self) -> Any:
        """All that stands in Notion, without ids."""
        titles = {base.source_id: base.title for base in self.api.store.databases()}
        shown = []
        for base in self.api.store.databases():
            columns = {}
            for name, column in self.connection.data_source(base.source_id).properties.items():
                options = [option.name for option in column.select.options] if column.select else None
                leads = titles[column.relation.data_source_id or ""] if column.relation else None
                rollup = column.rollup
                made = rollup and (rollup.relation_property_name, rollup.rollup_property_name, rollup.function)
                columns[name] = (column.type, options, leads, made, column.number)
            shown.append((base.title, columns, sorted(tuple(row.values().items()) for row in base.rows())))
        return shown

    def asked(self) -> list[str]:
        """What was asked so far: method and path, ids left out."""
        return [f"{request.method} {_plain(request.path)}" for request in self.server.journal.requests()]

    def writes(self) -> list[str]:
        return [line for line in self.asked() if not line.startswith("GET") and not line.endswith("/query")]


def _plain(path: str) -> str:
    return "/".join("*" if len(part) == 36 else part for part in path.removeprefix("/v1").split("/"))


@pytest.fixture(scope="session")
def stage() -> Iterator[tuple[Server, Stage]]:
    stage = Stage()
    with Server([stage]) as server:
        yield server, stage


@pytest.fixture
def notion(stage: tuple[Server, Stage], tmp_path: Path) -> Iterator[Notion]:
    notion = Notion(stage[0], tmp_path, stage[1])
    notion.renew()
    yield notion
    notion.close()


# -- outcomes and rows by hand

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
        found = Found(USAGES, "db", "ds", "", (), {name: Column(name, name) for name in COLUMNS.values()})
        services = {provider: f"service-{provider.value}" for provider in ProviderName}
        context = Context(found, services, self.labels, self.earlier, **more)
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
        return sum(row.values.cost or 0 for row in self.rows.values())


def as_notion(name: str, value: Any) -> Any:
    """A value as Notion returns it."""
    if name in FIGURES:
        return None if value is None else float(value)
    return to_minute(value) if isinstance(value, datetime) else value


@pytest.fixture(scope="session")
def made() -> Made:
    return Made()


@pytest.fixture(scope="session")
def make_table() -> Callable[..., Table]:
    return Table


@pytest.fixture
def table() -> Table:
    return Table()


# -- both databases, set up


@dataclass
class Office:
    """Both databases in the stand-in, and what collects into them."""

    notion: Notion
    settings: Settings
    naps: list[float] = field(default_factory=list)

    def open(self, gateway: Gateway | None = None, **more: Any) -> Workspace:
        needed = frozenset(credential.source.provider for credential in self.settings.credentials)
        return Workspace(
            self.settings, needed, sleep=self.naps.append, gateway=gateway or self.notion.gateway(), **more
        )

    def collect(self, *outcomes: SourceOutcome, gateway: Gateway | None = None, **more: Any) -> Any:
        workspace = self.open(gateway or self.notion.connection, **more)
        return workspace.publish(workspace.plan(outcomes[0].month, outcomes), unfiltered=False)

    @property
    def base(self) -> Any:
        return self.notion.api.store.database("Usages LLM")

    def rows(self) -> list[dict[str, Any]]:
        """The rows that stand in *Usages*, by key and workspace."""
        rows = [row.values() | {"Service": [one.title for one in row.linked("Service")]} for row in self.base.rows()]
        return sorted(rows, key=lambda row: (row["Service"], str(row["Projet/API Key"]), str(row["Workspace"])))

    def keys(self) -> list[str]:
        return sorted(str(row["Projet/API Key"]) for row in self.rows())


@pytest.fixture(scope="session")
def set_up_office() -> Callable[..., Office]:
    def set_up_in(notion: Notion, *accounts: str) -> Office:
        """Databases, and a key for each provider or for each named account of OpenAI."""
        keys = dict.fromkeys(KEY_VARIABLES.values(), "secret")
        if accounts:
            keys = {f"OPENAI_ADMIN_KEY_{account.upper()}": "secret" for account in accounts}
        settings = load_settings(notion.server.environment() | keys, None)
        configured = frozenset(credential.source.provider for credential in settings.credentials)
        set_up(notion.connection, settings.notion, configured)
        # Asked once for each connection, and tests share one: which of them asks first must make no difference.
        notion.connection.me()
        notion.server.journal.clear()
        return Office(notion, settings)

    return set_up_in


@pytest.fixture
def office(notion: Notion, set_up_office: Callable[..., Office]) -> Office:
    return set_up_office(notion)

"""The providers as the suite sees them: one small case each. A sixth provider is one case more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from providers.reading import check_source, read_source
from providers.shared.checks import CheckResult
from providers.shared.patience import Retry
from sandbox import server
from sandbox.anthropic import AnthropicApi
from sandbox.deepgram import DeepgramApi
from sandbox.elevenlabs import ElevenLabsApi
from sandbox.openai import OpenAIApi
from sandbox.openrouter import OpenRouterApi
from sandbox.openrouter.world import Account as OpenRouterAccount
from sandbox.server import Server
from sandbox.shared.bill import Bill
from usage.errors import CredentialError, SourceError
from usage.month import Month
from usage.names import ProviderName, Source, Status
from usage.outcomes.report import SourceReport
from usage.outcomes.rows import LabelledReport, UsageRow, build_rows
from usage.peers.bodies import BODY_LIMIT
from usage.peers.exchange import Listener
from usage.settings import Settings, load_settings, variable_of

NOW = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)


class Account(Protocol):
    """What the accounts of all stand-ins have."""

    @property
    def name(self) -> str: ...
    @property
    def key(self) -> str: ...
    def clear(self, month: str) -> None: ...


class Api(server.Api, Protocol):
    """What the five stand-ins have beside what a server asks of them; each knows accounts of its own kind."""

    @property
    def accounts(self) -> Sequence[Account]: ...
    def bill(self, account: Any, month: str) -> Bill: ...


@dataclass(frozen=True)
class Drift:
    """A required field of an answer: `field` is its path, `*` any place of a list.

    `stops` tells whether the source can do without what is read there: usage beside the money, names.
    """

    path: str
    field: str
    stops: bool = True


@dataclass(frozen=True)
class Scope:
    """A key that may not do everything, by its name on the stand-in's account, and what comes of it."""

    key: str
    outcome: Status | type[SourceError]
    names: bool = True


@dataclass(frozen=True)
class Case:
    """One provider.

    `money` and `names` are ends of paths; `budget` the requests that one closed month of an account may take.
    """

    name: ProviderName
    api: Callable[..., Api]
    money: str
    names: str
    budget: Callable[[Any], int]
    drifts: tuple[Drift, ...]
    scopes: tuple[Scope, ...] = ()
    posts: tuple[str, ...] = ()
    shrink: Callable[[Any], None] | None = None
    """Makes pages as small as they get; None where the provider has none."""
    money_apart: bool = True
    """Whether usage is read from another endpoint than money."""
    proves_empty: bool = True
    needs_names: bool = False
    """Whether figures can't be asked for without the list of names."""
    names_are_ids: bool = False
    """Whether ids, and not only names, come from the list of names: without it they are missing."""
    lines_are_objects: bool = True
    """False where lines are rows of a table, whose fields are its columns."""

    def __str__(self) -> str:
        return self.name.value


def _pages_of_one(api: OpenAIApi | AnthropicApi | OpenRouterApi) -> None:
    api.page_size = 1


def _openrouter_budget(account: OpenRouterAccount) -> int:
    """The workspaces, their keys, a query each, the total, and one query for each of several keys of one name."""
    spaces = len(account.workspaces)
    names = [(key.workspace, key.shown) for key in account.keys]
    return 2 + 2 * spaces + sum(names.count(name) > 1 for name in names)


CASES = (
    Case(
        ProviderName.OPENAI,
        OpenAIApi,
        money="/organization/costs",
        names="/organization/projects",
        # Costs, eleven families, the total, the projects.
        budget=lambda _: 14,
        drifts=(
            Drift("/costs", "data"),
            Drift("/costs", "data.*.start_time"),
            Drift("/costs", "data.*.results"),
            Drift("/completions", "data.*.results.*.input_tokens", stops=False),
            Drift("/embeddings", "data.*.results.*.num_model_requests", stops=False),
            Drift("/images", "data.*.start_time", stops=False),
            Drift("/projects", "data.*.id", stops=False),
        ),
        scopes=(
            Scope("limited_key", Status.SUCCES, names=False),
            Scope("registry_key", CredentialError),
            Scope("project_key", CredentialError),
            Scope("expired_key", CredentialError),
        ),
        shrink=_pages_of_one,
    ),
    Case(
        ProviderName.ANTHROPIC,
        AnthropicApi,
        money="/analytics/cost",
        names="/organizations/api_keys",
        # Costs, usage, the total, and three lists of names.
        budget=lambda _: 6,
        drifts=(
            Drift("/analytics/cost", "data"),
            Drift("/analytics/cost", "data.*.starting_at"),
            Drift("/analytics/usage", "data.*.usage.output_tokens", stops=False),
            Drift("/analytics/usage", "data", stops=False),
            Drift("/workspaces", "data.*.id", stops=False),
            Drift("/api_keys", "data", stops=False),
        ),
        scopes=(Scope("limited_key", Status.SUCCES, names=False), Scope("workspace_key", CredentialError)),
        shrink=_pages_of_one,
    ),
    Case(
        ProviderName.ELEVENLABS,
        ElevenLabsApi,
        money="/usage-by-product-over-time",
        names="/v1/service-accounts",
        # Usage, its total, names, and the subscription where amounts come without their currency.
        budget=lambda _: 4,
        drifts=(
            Drift("/usage-by-product-over-time", "rows"),
            Drift("/usage-by-product-over-time", "columns"),
            Drift("/service-accounts", "service-accounts", stops=False),
        ),
        scopes=(Scope("nameless_key", Status.SUCCES, names=False), Scope("limited_key", CredentialError)),
        posts=("/v1/workspace/analytics/query/usage-by-product-over-time", "/v1/workspace/analytics/usage"),
        money_apart=False,
        proves_empty=False,
        lines_are_objects=False,
    ),
    Case(
        ProviderName.DEEPGRAM,
        DeepgramApi,
        money="/billing/breakdown",
        names="/projects",
        # The projects and their keys, money, two tables of usage, the total of the money.
        budget=lambda account: 6 * len(account.projects),
        drifts=(
            Drift("/billing/breakdown", "results"),
            Drift("/billing/breakdown", "resolution.units"),
            Drift("/usage/breakdown", "results"),
            Drift("/projects", "projects.*.project_id"),
        ),
        scopes=(Scope("member_key", Status.PARTIEL), Scope("limited_key", CredentialError)),
        proves_empty=False,
        needs_names=True,
    ),
    Case(
        ProviderName.OPENROUTER,
        OpenRouterApi,
        money="/analytics/query",
        names="/keys",
        budget=_openrouter_budget,
        drifts=(
            Drift("/analytics/query", "data.data"),
            Drift("/analytics/query", "data.data.*.credits_usage"),
            Drift("/analytics/query", "data.metadata.truncated"),
            Drift("/workspaces", "data.*.id", stops=False),
            Drift("/keys", "data.*.hash", stops=False),
        ),
        scopes=(Scope("inference_key", CredentialError),),
        posts=("/analytics/query",),
        shrink=_pages_of_one,
        money_apart=False,
        names_are_ids=True,
    ),
)


@dataclass
class Desk:
    """One provider's stand-in behind a server, and what the suite asks of the two."""

    case: Case
    api: Api
    server: Server
    slept: list[float] = field(default_factory=list)
    extra: dict[str, str] = field(default_factory=dict)

    def settings(self) -> Settings:
        """The stand-in's environment, at a fixed instant."""
        now = {"LLM_USAGE_NOW": NOW.isoformat()}
        return load_settings(self.server.environment() | now | self.extra, ())

    @property
    def sources(self) -> list[Source]:
        """One for each of the provider's accounts."""
        return self.settings().select()

    @property
    def account(self) -> Account:
        """The stand-in's account of the first source."""
        return self.account_of(self.sources[0])

    def account_of(self, source: Source) -> Account:
        """The stand-in's account of a source."""
        return next(a for a in self.api.accounts if (a.name.lower() or "default") == source.account)

    def use_key(self, key: str) -> None:
        """Put another key in place of the first source's."""
        self.extra[variable_of(self.sources[0])] = key

    def read(
        self,
        month: str = "2026-01",
        source: Source | None = None,
        *,
        most_bytes: int = BODY_LIMIT,
        listener: Listener | None = None,
    ) -> SourceReport:
        """Read a month; the journal then holds the requests of this reading. Nobody really sleeps."""
        self.server.journal.clear()
        retry = Retry(sleep=self._sleep, clock=lambda: sum(self.slept), most_bytes=most_bytes)
        source, asked = source or self.sources[0], Month.parse(month)
        return asyncio.run(read_source(self.settings(), source, asked, retry=retry, listener=listener))

    def check(self) -> list[CheckResult]:
        """Check the first source."""
        self.server.journal.clear()
        return asyncio.run(check_source(self.settings(), self.sources[0], Month.parse("2026-01")))

    def rows(self, report: SourceReport) -> tuple[UsageRow, ...]:
        """The report's rows, cut by the default grain."""
        settings = self.settings()
        grain, label = settings.grains[self.case.name], settings.label(report.source)
        return build_rows([LabelledReport(report, grain, label)])[report.source]

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

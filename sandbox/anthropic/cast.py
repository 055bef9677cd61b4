"""Who works in the organisation. Ids come from the seed; everything else is told here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from sandbox.anthropic.work import HAIKU, NO_MODEL, OPUS, SONNET, Stream, of
from sandbox.anthropic.world import Account, Charge, Fact, Key, Workspace
from sandbox.shared.ledger import Ledger
from sandbox.shared.rhythm import identifier

FOUNDED = datetime(2024, 6, 1, tzinfo=UTC)
# 300 characters.
_LONG = "Transcription et résumé " + "mot, " * 54 + "finaux"


@dataclass
class _Cast:
    """Collects the organisation's registry and work."""

    draw: Random
    workspaces: list[Workspace]
    keys: list[Key]
    streams: list[Stream]
    single: list[Fact]
    """Charges that come once a month; their instants are counted from `FOUNDED`."""

    def workspace(self, name: str, *, archived: datetime | None = None) -> str:
        """A workspace's id."""
        workspace = Workspace(identifier(self.draw, "wrkspc_01", 22), name, self._date(), archived)
        self.workspaces.append(workspace)
        return workspace.id

    def key(self, workspace: str, name: str, *, listed: bool = True, status: str = "active") -> str:
        """A key's id; unlisted ones have been deleted."""
        created = self._date()
        expires = created + timedelta(days=200) if status == "expired" else None
        key = Key(identifier(self.draw, "apikey_01", 22), name, workspace, created, status, expires)
        if listed:
            self.keys.append(key)
        return key.id

    def charge(self, day: int, template: Fact, model: str, cents: str) -> None:
        """A charge without usage on a day of each month."""
        amount = Decimal(cents)
        at = FOUNDED.replace(day=day, hour=8)
        charges = [Charge("tokens", "output_tokens", amount, amount)]
        self.single.append(replace(template, at=at, model=model, charges=charges))

    def facts(self, where: str, month: str, until: datetime) -> list[Fact]:
        """A month of all of it, in order of time."""
        if month < FOUNDED.isoformat()[:7]:
            return []
        steady = [
            fact
            for number, stream in enumerate(self.streams)
            for fact in stream.facts(Random(f"{where}/{month}/{number}"), month, until)
        ]
        year, number = map(int, month.split("-"))
        once = [
            replace(fact, at=fact.at.replace(year=year, month=number), charges=[replace(c) for c in fact.charges])
            for fact in self.single
        ]
        return sorted([*steady, *(fact for fact in once if fact.at < until)], key=lambda fact: fact.at)

    def _date(self) -> datetime:
        return FOUNDED + timedelta(minutes=self.draw.randrange(300_000))


def accounts(now: Callable[[], datetime], seed: int) -> list[Account]:
    """The organisations of this world: one."""
    return [account("", seed, now)]


def account(name: str, seed: int, now: Callable[[], datetime]) -> Account:
    """One organisation; `name` is the suffix of its key's variable, empty for the variable without one."""
    where = f"anthropic/{seed}/{name}"
    draw = Random(where)
    cast = _Cast(draw, [], [], [], [])
    default = _tell(cast)
    return Account(
        name,
        key=identifier(draw, "sk-ant-admin01-sandbox-", 80),
        limited_key=identifier(draw, "sk-ant-api01-sandbox-", 80),
        workspace_key=identifier(draw, "sk-ant-api03-sandbox-", 80),
        organization_id=str(UUID(int=draw.getrandbits(128), version=4)),
        organization_name="Memoways SA",
        default_workspace=default,
        workspaces=cast.workspaces,
        keys=cast.keys,
        ledger=Ledger(now, lambda month, until: cast.facts(where, month, until)),
    )


def _tell(cast: _Cast) -> str:
    default, live = cast.workspace("Default"), cast.workspace("Production")
    lab = cast.workspace("Лаборатория 🧪 | R&D")
    old = cast.workspace("Ancien <b>site</b>", archived=datetime(2025, 12, 3, 16, 40, tzinfo=UTC))
    cast.workspace("Vide, pour l'instant")
    server, search = cast.key(live, "server"), cast.key(live, "recherche\nweb")
    tests, first = cast.key(lab, "server"), cast.key(default, "=1+1")
    cast.key(default, "jamais utilisée", status="inactive")
    console = replace(of(default, None), product="claude_console")
    executed = replace(of(lab, None), product=None, service_tier=None, context_window=None, inference_geo=None)
    cast.streams += [
        Stream(of(live, server), SONNET, 640),
        Stream(replace(of(live, server), context_window="200k-1M"), SONNET, 12),
        Stream(replace(of(live, server), service_tier="batch", product="message_batches_api"), HAIKU, 800),
        Stream(replace(of(live, server), service_tier="priority"), OPUS, 25, priced=False),
        Stream(of(live, search), SONNET, 70, searches=0.8),
        Stream(replace(of(live, search), inference_geo="us"), OPUS, 14),
        Stream(of(live, cast.key(live, "before rotation", listed=False)), HAIKU, 30),
        Stream(of(lab, tests), OPUS, 40),
        Stream(replace(of(lab, tests), speed="fast"), OPUS, 6),
        Stream(of(lab, cast.key(lab, _LONG)), HAIKU, 55),
        Stream(executed, NO_MODEL, 9, flat=("code_execution", "0.8333")),
        Stream(replace(executed, product="managed_agents_api"), NO_MODEL, 4, flat=("session_usage", "2.6667")),
        Stream(of(old, cast.key(old, "عميل الويب", status="archived")), HAIKU, 18),
        Stream(of(default, first), HAIKU, 10),
        Stream(of(default, cast.key(default, "périmée, 2025", status="expired")), SONNET, 2),
        Stream(console, SONNET, 5),
        Stream(replace(console, product="claude_code"), OPUS, 3, counted=False),
    ]
    cast.charge(4, of(default, first), HAIKU[0][1], "0.00001")
    cast.charge(6, of(live, server), HAIKU[0][1], "-3.14159265")
    cast.charge(7, of(lab, tests), HAIKU[0][1], "0")
    return default

"""Who works in the two organisations. Ids come from the seed; everything else is told here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from sandbox.openai import work
from sandbox.openai.streams import Stream
from sandbox.openai.world import Account, Fact, Key, Project
from sandbox.shared.ledger import Ledger
from sandbox.shared.rhythm import identifier

FOUNDED = datetime(2024, 6, 1, tzinfo=UTC)
_SALES = "Ventes & Devis, <b>été</b> | =1+1\nsuite"
# 300 characters.
_LONG = "Recherche documentaire " + "très " * 54 + "longues"


@dataclass
class _Cast:
    """Collects one organisation's registry and work."""

    draw: Random
    projects: list[Project]
    keys: list[Key]
    streams: list[Stream]
    single: list[Fact]
    """Charges that come once a month; their instants are counted from `FOUNDED`."""

    def project(self, name: str | None, *, listed: bool = True, archived: datetime | None = None) -> str:
        """A project's id; unlisted ones have been deleted."""
        project = Project(identifier(self.draw, "proj_", 24), name, self._date(), archived)
        if listed:
            self.projects.append(project)
        return project.id

    def key(self, project: str, name: str, *, listed: bool = True, access: str = "active", robot: bool = False) -> str:
        """A key's id; unlisted ones have been deleted."""
        created = self._date()
        used = None if robot else created + timedelta(days=90)
        key = Key(identifier(self.draw, "key_", 16), name, project, created, used, access, robot)
        if listed:
            self.keys.append(key)
        return key.id

    def charge(self, day: int, project: str | None, line: str, amount: str, *, model: str | None = None) -> None:
        """A charge of so many USD on a day of each month, without usage."""
        at = FOUNDED.replace(day=day, hour=8)
        self.single.append(Fact(at, "costs", project, model=model, line_item=line, amount=Decimal(amount)))

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
        once = [replace(fact, at=fact.at.replace(year=year, month=number)) for fact in self.single]
        return sorted([*steady, *(fact for fact in once if fact.at < until)], key=lambda fact: fact.at)

    def _date(self) -> datetime:
        return FOUNDED + timedelta(minutes=self.draw.randrange(300_000))


def accounts(now: Callable[[], datetime], seed: int) -> list[Account]:
    """Both organisations."""
    return [_account("MEMOWAYS", "Memoways SA", _memoways, seed, now), _account("LABO", "Labo", _labo, seed, now)]


def _account(name: str, title: str, tell: Callable[[_Cast], None], seed: int, now: Callable[[], datetime]) -> Account:
    where = f"openai/{seed}/{name}"
    draw = Random(where)
    cast = _Cast(draw, [], [], [], [])
    tell(cast)
    return Account(
        name,
        key=identifier(draw, "sk-admin-sandbox-", 40),
        limited_key=identifier(draw, "sk-admin-sandbox-usage-", 34),
        registry_key=identifier(draw, "sk-admin-sandbox-names-", 34),
        project_key=identifier(draw, "sk-proj-sandbox-", 40),
        expired_key=identifier(draw, "sk-admin-sandbox-expired-", 32),
        organization_id=identifier(draw, "org-", 24),
        organization_name=title,
        projects=cast.projects,
        keys=cast.keys,
        ledger=Ledger(now, lambda month, until: cast.facts(where, month, until)),
    )


def _memoways(cast: _Cast) -> None:
    default = cast.project("Default project")
    live, staging = cast.project("Production"), cast.project("Production")
    support, sales = cast.project("مساعد الدعم 🤖"), cast.project(_SALES)
    old = cast.project(None, archived=datetime(2025, 11, 17, 10, 4, tzinfo=UTC))
    gone = cast.project("Prototype", listed=False)
    cast.project("Petit coin tranquille")
    server, nightly = cast.key(live, "api-server"), cast.key(live, "nightly batch", robot=True)
    cast.streams += work.production(live, server, nightly, cast.key(live, "before rotation", listed=False))
    cast.streams += work.staging(staging, cast.key(staging, "api-server"))
    cast.streams += work.voice(support, cast.key(support, "widget 💬"))
    cast.streams += work.pictures(sales, cast.key(sales, "notebook | <i>brouillons</i>", access="inactive"))
    cast.streams += work.storage(old, cast.key(old, ""))
    cast.streams += work.small(gone, cast.key(gone, "prototype", listed=False), 8)
    cast.streams += work.playground(default)
    cast.charge(3, None, "Service credit", "-12.3456789012")
    cast.charge(5, default, "Image models", "1E-7")


def _labo(cast: _Cast) -> None:
    nameless, library, formula = cast.project(""), cast.project(_LONG), cast.project("=1+1")
    cast.project("Vacances")
    cast.streams += work.flagship(nameless, cast.key(nameless, "papier"), 22)
    cast.streams += work.small(nameless, cast.key(nameless, "papier"), 70)
    cast.streams += work.archive(library, cast.key(library, "thèse", robot=True))
    cast.streams += work.small(formula, cast.key(formula, "+41 22 000 00 00"), 3)
    trained = "gpt-4o-mini-2024-07-18"
    cast.charge(6, formula, f"{trained}, training", "0.0000001234", model=trained)

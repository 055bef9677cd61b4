"""Made-up projects that transcribe, speak and hold conversations, and what Deepgram charges for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from random import Random
from uuid import UUID

from sandbox.shared import standin
from sandbox.shared.ledger import Ledger
from sandbox.shared.rhythm import identifier, moments, volume

SCOPES = {
    "admin": frozenset({"project:read", "usage:read", "billing:read", "keys:read", "members:read"}),
    "member": frozenset({"project:read", "usage:read"}),
    "limited": frozenset({"project:read"}),
}
"""What each kind of key may do. A member also sees its own keys."""


@dataclass(slots=True)
class Fact:
    """What one key did with one model on one day; usage, money, or both."""

    at: datetime
    project: str
    accessor: str | None
    """Id of the API key; None for the console."""
    models: tuple[str, ...]
    """Names in the usage breakdown; none for money without usage."""
    line_item: str | None
    """Name in the billing breakdown; None for usage without money."""
    endpoint: str
    method: str
    features: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    deployment: str = "hosted"
    hours: Decimal = Decimal(0)
    total_hours: Decimal = Decimal(0)
    agent_hours: Decimal = Decimal(0)
    tokens_in: int = 0
    tokens_out: int = 0
    characters: int = 0
    requests: int = 0
    dollars: Decimal = Decimal(0)


@dataclass(slots=True)
class Key:
    """An API key as the registry shows it; `comment` is its display name."""

    id: str
    comment: str | None
    owner: str
    expired: bool = False


@dataclass(slots=True)
class Project:
    """A project and the keys that were not deleted."""

    id: str
    name: str
    keys: list[Key] = field(default_factory=list)


@dataclass
class Account(standin.Account[Fact]):
    """One admin key, and the projects it sees: normally one."""

    name: str
    key: str
    """Role `admin`: projects, keys, usage, money."""
    member_key: str
    """Role `member`: usage, but no money, and no keys but its own."""
    limited_key: str
    """Scope `project:read` alone."""
    member: str
    """Id of the person whose key `member_key` is."""
    projects: list[Project]
    """What the keys see. A project of another account may be added here: its facts stay where they are."""
    ledger: Ledger[Fact]

    def scopes(self, key: str) -> frozenset[str] | None:
        """What a key may do; None for a key that is not of this account."""
        roles = {self.key: "admin", self.member_key: "member", self.limited_key: "limited"}
        return SCOPES[roles[key]] if key in roles else None


@dataclass(frozen=True, slots=True)
class Habit:
    """An ordinary day of one key with one model; `every`: on one day in so many."""

    key: str | None
    models: tuple[str, ...]
    line_item: str | None
    endpoint: str
    method: str
    size: float
    """Hours of audio, hours of conversation, or thousands of characters, as the endpoint has it."""
    price: float
    """USD for one of `size`."""
    every: int = 1
    add_on: tuple[str, float] | None = None
    """A feature with a line item of its own, and its price."""
    tags: tuple[str, ...] = ()
    deployment: str = "hosted"


_CENTRE = (
    Habit("calls", ("Nova-3",), "streaming::nova-3", "listen", "streaming", 61, 0.462, 1, ("diarize", 0.12)),
    Habit("calls", ("Nova-2",), "sync::nova-2", "listen", "async", 14, 0.258, 2, None, ("archive", "dev, test")),
    Habit("voice", ("Aura-2",), "sync::aura-2", "speak", "sync", 190, 0.03),
    Habit("voice", ("Flux",), "streaming::flux", "listen", "streaming", 9, 0.462, 3),
    Habit("deleted", ("Nova-2",), "streaming::nova-2", "listen", "streaming", 3, 0.348, 4),
    # Usage without money: own machines.
    Habit("calls", ("Nova-3",), None, "listen", "sync", 22, 0.0, 2, None, (), "self-hosted"),
    Habit(None, ("Whisper",), "sync::whisper-large", "listen", "sync", 0.4, 0.288, 5),
)
_LAB = (
    Habit("agent", ("Nova-3", "Aura-2"), "agent::standard", "agent", "streaming", 4.2, 4.5),
    Habit("agent", ("Nova-3",), "streaming::nova-3", "listen", "streaming", 6.5, 0.462, 2, ("redact", 0.12)),
    Habit("old", ("Enhanced",), "sync::enhanced", "listen", "sync", 1.1, 0.87, 6),
    Habit("nameless", ("Aura-2",), "sync::aura-2", "speak", "sync", 12, 0.03, 3, None, ("dev",)),
)
# A quiet project, and its name is taken.
_TWIN = (Habit("twin", ("Nova-3",), "sync::nova-3", "listen", "sync", 0.6, 0.258, 9),)


def accounts(now: Callable[[], datetime], seed: int) -> list[Account]:
    """The accounts of this world: one with one project, one whose key sees three."""
    centre = _project(seed, "Call centre 📞, EU", ("calls", "Calls | live"), ("voice", "=1+1\nAnnouncements"))
    lab = _project(seed, "Voice lab <b>β</b>", ("agent", "وكيل صوتي"), ("old", "Batch (expired)"), ("nameless", None))
    twin = _project(seed, "Call centre 📞, EU", ("twin", "Calls | live"))
    return [
        _account(now, seed, "PROD", {centre.id: _CENTRE}, [centre]),
        # The third has a registry entry and never any usage.
        _account(now, seed, "LABS", {lab.id: _LAB, twin.id: _TWIN}, [lab, twin, _project(seed, "")]),
    ]


def key_id(seed: int, word: str) -> str:
    """The id of a key, listed or deleted."""
    return _uuid(seed, f"key/{word}")


def model_id(seed: int, name: str) -> str:
    """The uuid that the filter on models takes."""
    return _uuid(seed, f"model/{name}")


def _account(
    now: Callable[[], datetime], seed: int, name: str, habits: dict[str, tuple[Habit, ...]], projects: list[Project]
) -> Account:
    draw = Random(f"{seed}/deepgram/{name}")
    member = _uuid(seed, f"member/{name}")
    projects[0].keys[0].owner = member
    return Account(
        name,
        key=_secret(draw),
        member_key=_secret(draw),
        limited_key=_secret(draw),
        member=member,
        projects=projects,
        ledger=Ledger(now, lambda month, until: _facts(seed, month, until, habits)),
    )


def _project(seed: int, name: str, *keys: tuple[str, str | None]) -> Project:
    words = [word for word, _ in keys]
    owner = _uuid(seed, "member")
    listed = [Key(key_id(seed, word), comment, owner, expired=word == "old") for word, comment in keys]
    return Project(_uuid(seed, f"project/{'/'.join(words)}"), name, listed)


def _uuid(seed: int, word: str) -> str:
    return str(UUID(bytes=Random(f"{seed}/deepgram/{word}").randbytes(16), version=4))


def _secret(draw: Random) -> str:
    return "sandbox" + identifier(draw, "", 33).lower()


def _facts(seed: int, month: str, until: datetime, habits: dict[str, tuple[Habit, ...]]) -> Iterator[Fact]:
    for project, its in habits.items():
        draw = Random(f"{seed}/deepgram/{project}/{month}")
        for at in moments(draw, month, until):
            for habit in its:
                size = habit.size * volume(draw, at.date())
                if at.toordinal() % habit.every == 0:
                    accessor = None if habit.key is None else key_id(seed, habit.key)
                    yield from ordinary(at, project, accessor, habit, size)
            yield from _odd(at, project, its[0], key_id(seed, its[0].key or ""))


def ordinary(at: datetime, project: str, accessor: str | None, habit: Habit, size: float) -> Iterator[Fact]:
    """What a day of a habit comes to; `size` is in the habit's unit."""
    heard, talked = habit.endpoint == "listen", habit.endpoint == "agent"
    hours = Decimal(round(size * 3600)) / 3600 if heard else Decimal(0)
    feature = () if habit.add_on is None else (habit.add_on[0],)
    fact = Fact(
        at,
        project,
        accessor,
        habit.models,
        habit.line_item,
        habit.endpoint,
        habit.method,
        feature,
        habit.tags,
        habit.deployment,
        hours=_round(hours),
        total_hours=_round(hours * Decimal("1.001")),
        agent_hours=_round(Decimal(size)) if talked else Decimal(0),
        tokens_in=round(size * 21000) if talked else 0,
        tokens_out=round(size * 3900) if talked else 0,
        characters=round(size * 1000) if habit.endpoint == "speak" else 0,
        requests=1 + round(size * 7),
        dollars=_round(Decimal(size * habit.price)),
    )
    yield fact
    if habit.add_on is not None:
        dollars = _round(Decimal(size * habit.add_on[1]))
        item = f"{habit.method}::{habit.add_on[0]}"
        yield Fact(at, project, accessor, (), item, habit.endpoint, habit.method, feature, habit.tags, dollars=dollars)


def _odd(at: datetime, project: str, habit: Habit, accessor: str) -> Iterator[Fact]:
    """What no program expects: money without usage, money back, next to nothing."""
    if at.day == 2:
        yield Fact(at, project, accessor, (), habit.line_item, "listen", "sync", dollars=Decimal("1E-7"))
    if at.day == 8 and habit is _CENTRE[0]:
        yield Fact(at, project, None, (), "correction", "listen", "sync", dollars=Decimal("-1.2500000001"))


def _round(value: Decimal) -> Decimal:
    return value.quantize(Decimal("1E-10"))

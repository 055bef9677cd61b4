"""A made-up workspace: who speaks, listens and composes with which key, and what it costs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from random import Random

from sandbox.shared import standin
from sandbox.shared.ledger import Ledger
from sandbox.shared.rhythm import identifier, moments, volume

EVERYTHING = frozenset({"user_read", "workspace_read", "workspace_analytics_full_read"})
"""Permissions that a key for reading usage needs."""


@dataclass(slots=True)
class Fact:
    """What one key did with one model on one day. Amounts are in the workspace's currency."""

    at: datetime
    key: str | None
    """Hash of the API key; None for the website."""
    model: str | None
    product: str
    charge: str
    """Kind of charge (`fiat_charge_type`), which says what `quantity` counts."""
    credits: Decimal
    money: Decimal
    minutes: Decimal
    characters: int
    requests: int

    @property
    def quantity(self) -> Decimal:
        """What a workspace billed by cost is charged for: minutes or characters."""
        return self.minutes if self.charge == "minutes" else Decimal(self.characters)


@dataclass(slots=True)
class Key:
    """An API key as the registry shows it."""

    name: str
    hash: str
    key_id: str
    hint: str
    disabled: bool = False


@dataclass(slots=True)
class ServiceAccount:
    """A user that is a machine, with its keys."""

    id: str
    name: str
    keys: list[Key] = field(default_factory=list)


@dataclass
class Account(standin.Account[Fact]):
    """One workspace, and the switches that decide how it is billed."""

    name: str
    key: str
    """May read everything."""
    limited_key: str
    """Has `user_read` alone: no analytics, no names."""
    nameless_key: str
    """Reads analytics, but belongs to a member who is no admin: service accounts are refused."""
    ledger: Ledger[Fact]
    service_accounts: list[ServiceAccount]
    unlisted: dict[str, str]
    """Hash to name of keys that no endpoint lists: those of people, and deleted ones."""
    own_hash: str
    """Hash of `key` itself, for answers about one's own usage only."""
    tier: str = "growing_business"
    currency: str = "usd"
    """`usd`, `eur`, `inr`, `pln` or `gbp`."""
    money_column: bool = True
    """Whether analytics of the days billed in credits carry a column of money."""
    fiat_metric: str = "money"
    """What `character-stats` answers to `fiat_units_spent`: `money`, `zeros` or `refused`."""
    cost_billed_since: date | None = None
    """First day (UTC) that is billed by cost. None: billed in credits; a day long past: by cost throughout."""

    def permissions(self, key: str) -> frozenset[str] | None:
        """What a key may do; None for a key that is not of this workspace."""
        known = {
            self.key: EVERYTHING,
            self.limited_key: frozenset({"user_read"}),
            self.nameless_key: EVERYTHING - {"workspace_read"},
        }
        return known.get(key)

    def by_cost(self, day: date) -> bool:
        """Whether a day is billed by cost."""
        return self.cost_billed_since is not None and day >= self.cost_billed_since

    def key_name(self, key: str | None) -> str | None:
        """Name of a key, listed or not."""
        listed = {item.hash: item.name for owner in self.service_accounts for item in owner.keys}
        return None if key is None else {**self.unlisted, **listed}.get(key)


@dataclass(frozen=True, slots=True)
class Habit:
    """An ordinary day of one key with one model; `every`: on one day in so many."""

    key: str | None
    model: str | None
    product: str
    credits: float
    price: float
    """USD for one credit."""
    charge: str = "characters"
    every: int = 1


_HABITS = (
    Habit("narration", "eleven_multilingual_v2", "text_to_speech", 9200, 2.4e-4),
    Habit("narration", "eleven_v3", "text_to_speech", 4100, 2.4e-4),
    Habit("phone", "eleven_flash_v2_5", "conversational_ai", 15300, 1.2e-4, "minutes"),
    Habit("phone", "scribe_v2", "speech_to_text", 5200, 0.9e-4, "minutes"),
    Habit("podcasts", "eleven_v3", "text_to_speech", 3300, 2.4e-4, every=3),
    Habit("podcasts", "music_v1", "music", 800, 3.1e-4, every=5),
    Habit("podcasts 2", "eleven_turbo_v2_5", "text_to_speech", 2100, 1.2e-4, every=2),
    Habit("arabic", "eleven_multilingual_v2", "text_to_speech", 1750, 2.4e-4, every=2),
    Habit("markup", "scribe_v1", "speech_to_text", 640, 0.9e-4, "minutes", every=4),
    # Used within what the plan includes: credits, but no money.
    Habit("old site", "eleven_multilingual_v2", "text_to_speech", 260, 0.0, every=6),
    Habit("person", "eleven_v3", "text_to_speech", 900, 2.4e-4, every=2),
    Habit("deleted", "eleven_multilingual_v2", "text_to_speech", 430, 2.4e-4, every=3),
    Habit(None, "eleven_v3", "studio", 1200, 2.4e-4, every=2),
    Habit(None, None, "dubbing", 350, 3.3e-4, "minutes", every=7),
)


def accounts(now: Callable[[], datetime], seed: int) -> list[Account]:
    """The workspaces of this world: one."""
    draw = Random(f"{seed}/elevenlabs")
    listed = (
        ("Studio", (("narration", "Narration"), ("podcasts", "Podcasts 🎙️"))),
        ("Telephone, line 2 | prod", (("phone", "Telephone, line 2 | prod"), ("old site", "Old site (switched off)"))),
        # A second key of the same name, and one with none.
        ("الدعم الصوتي", (("podcasts 2", "Podcasts 🎙️"), ("arabic", ""))),
        ("<b>Lab</b>", (("markup", "=1+1 <b>minutes</b>\nof meetings"), ("own", "Usage report"))),
    )
    hashes = {
        word: hashlib.sha256(f"{seed}/{word}".encode()).hexdigest()
        for word in ("person", "deleted", *(word for _, keys in listed for word, _ in keys))
    }
    owners = [
        ServiceAccount(
            identifier(draw, "", 20),
            name,
            [
                Key(label, hashes[word], identifier(draw, "", 20), identifier(draw, "", 4), word == "old site")
                for word, label in keys
            ],
        )
        for name, keys in listed
    ]
    return [
        Account(
            name="",
            key=_secret(draw),
            limited_key=_secret(draw),
            nameless_key=_secret(draw),
            ledger=Ledger(now, lambda month, until: _facts(seed, month, until, hashes)),
            service_accounts=owners,
            unlisted={hashes["person"]: "My own key", hashes["deleted"]: "Trial (deleted)"},
            own_hash=hashes["own"],
        )
    ]


def _secret(draw: Random) -> str:
    return "sk_sandbox" + draw.randbytes(24).hex()[7:]


def _facts(seed: int, month: str, until: datetime, hashes: dict[str, str]) -> Iterator[Fact]:
    draw = Random(f"{seed}/elevenlabs/{month}")
    for at in moments(draw, month, until):
        for habit in _HABITS:
            size = habit.credits * volume(draw, at.date())
            if at.toordinal() % habit.every == 0:
                yield ordinary(at, habit, None if habit.key is None else hashes[habit.key], size)
        yield from _odd(at, hashes)


def ordinary(at: datetime, habit: Habit, key: str | None, size: float) -> Fact:
    """What a day of a habit comes to; `size` is in credits."""
    spoken = habit.charge == "characters"
    credits = Decimal(round(size * 10)).scaleb(-1)
    return Fact(
        at,
        key,
        habit.model,
        habit.product,
        habit.charge,
        credits,
        money=Decimal(round(size * habit.price * 10**9)).scaleb(-9),
        minutes=Decimal(round(size / (900 if spoken else 90) * 10**4)).scaleb(-4),
        characters=round(size) if spoken else 0,
        requests=1 + round(size / 260),
    )


def _odd(at: datetime, hashes: dict[str, str]) -> Iterator[Fact]:
    """What no program expects: rent without usage, money back, next to nothing."""
    if at.day == 1:
        yield Fact(at, None, None, "phone_numbers", "numbers", Decimal(0), Decimal("2.0"), Decimal(0), 0, 0)
    if at.day == 3:
        tiny = Fact(at, hashes["markup"], "eleven_flash_v2_5", "text_to_speech", "characters", *_few("0.5", "1E-7"))
        yield tiny
    if at.day == 9:
        back = _few("-120.0", "-0.0288000003")
        yield Fact(at, hashes["narration"], "eleven_multilingual_v2", "text_to_speech", "characters", *back)


def _few(credits: str, money: str) -> tuple[Decimal, Decimal, Decimal, int, int]:
    return Decimal(credits), Decimal(money), Decimal(0), 0, 1

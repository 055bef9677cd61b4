"""A made-up organisation that sends its requests through OpenRouter, from several workspaces."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from random import Random
from uuid import UUID

from sandbox.shared import standin
from sandbox.shared.ledger import Ledger
from sandbox.shared.rhythm import identifier, moments, volume


@dataclass(slots=True)
class Fact:
    """What one key did with one model on one day. USD."""

    at: datetime
    workspace: str
    key: str | None
    """Hash of the key; None for the chat room."""
    model: str
    """Permaslug."""
    provider: str
    user: str | None
    requests: int
    prompt: int
    completion: int
    reasoning: int
    """Part of `completion`."""
    cached: int
    """Part of `prompt`, though replayed answers may make it larger."""
    credits: Decimal
    """Charged to OpenRouter credits."""
    byok: Decimal
    """Estimate of what the external provider charges for requests with the customer's own key."""
    byok_requests: int = 0
    web: Decimal = Decimal(0)
    """Part of `credits`: web search."""
    discount: Decimal = Decimal(0)
    """Part of `credits`, never above zero."""


@dataclass(slots=True)
class Key:
    """An API key as the registry shows it."""

    hash: str
    number: int
    """Its other id, which filters take too."""
    name: str
    label: str
    workspace: str
    user: str | None = None
    """Id of the member who made it."""
    disabled: bool = False
    expired: bool = False

    @property
    def shown(self) -> str:
        """What analytics rows call it."""
        return self.name or self.label


@dataclass(slots=True)
class Workspace:
    """A workspace; the first of an account is its default one."""

    id: str
    name: str
    slug: str


@dataclass(slots=True)
class User:
    """A member of the organisation."""

    id: str
    name: str | None
    email: str | None


@dataclass
class Account(standin.Account[Fact]):
    """One organisation and its management key."""

    name: str
    key: str
    """The management key; management keys are not scoped further."""
    inference_key: str
    """An ordinary key: `/key` answers it, everything else refuses it."""
    workspaces: list[Workspace]
    keys: list[Key]
    deleted: list[Key]
    """Gone from the registry; their usage is not."""
    users: list[User]
    ledger: Ledger[Fact]

    def add_keys(self, count: int, workspace: str) -> list[Key]:
        """Put unused keys into a workspace, so that its listing has several pages."""
        first = len(self.keys)
        new = [_key(f"more/{first + i}", f"Spare {first + i}", workspace) for i in range(count)]
        self.keys.extend(new)
        return new


@dataclass(frozen=True, slots=True)
class Habit:
    """An ordinary day of one key with one model; `every`: on one day in so many."""

    key: str | None
    model: str
    provider: str
    requests: float
    prompt: float
    """Tokens of one request, in and out."""
    completion: float
    price_in: float
    """USD for a million tokens, in and out."""
    price_out: float
    every: int = 1
    reasoning: float = 0.0
    cached: float = 0.0
    own_key: bool = False


_GPT, _SONNET, _FLASH = "openai/gpt-4.1-2025-04-14", "anthropic/claude-sonnet-4", "google/gemini-3-flash-preview"
_OPUS, _DEEPSEEK, _OWL = "anthropic/claude-opus-4.5", "deepseek/deepseek-chat-v3.1", "openrouter/owl-alpha"
_HABITS = (
    Habit("chat default", _GPT, "OpenAI", 310, 840, 190, 2, 8, cached=0.31),
    Habit("chat default", _FLASH, "Google AI Studio", 120, 1500, 240, 0.5, 3, 2),
    Habit("unnamed", _DEEPSEEK, "DeepInfra", 35, 2100, 700, 0.2, 0.8, 3),
    Habit("chat prod", _SONNET, "Anthropic", 760, 1900, 410, 3, 15, cached=0.6),
    Habit("chat prod", _GPT, "Azure", 430, 910, 220, 2, 8),
    Habit("worker 1", _FLASH, "Google Vertex", 2400, 620, 80, 0.5, 3),
    Habit("worker 2", _FLASH, "Google Vertex", 900, 610, 90, 0.5, 3),
    Habit("worker 2", _SONNET, "Amazon Bedrock", 60, 5200, 900, 3, 15, 2),
    # The customer's own key: OpenRouter charges its fee alone.
    Habit("long", _OPUS, "Anthropic", 22, 14000, 2600, 5, 25, 2, 0.4, own_key=True),
    Habit("rtl", _DEEPSEEK, "DeepSeek", 18, 3300, 1800, 0.2, 0.8, 2, 0.5),
    # A free model: requests and tokens without money.
    Habit("rtl", _OWL, "Stealth", 40, 1200, 350, 0, 0, 3),
    Habit("disabled", _GPT, "OpenAI", 6, 700, 120, 2, 8, 8),
    Habit("expired", _SONNET, "Anthropic", 5, 2500, 640, 3, 15, 6),
    Habit("deleted", _GPT, "OpenAI", 14, 980, 230, 2, 8, 4),
    Habit(None, _OPUS, "Anthropic", 3, 1800, 950, 5, 25, 3, 0.3),
)
_LONG = "Evaluation of long documents, all languages, nightly, " * 6


def accounts(now: Callable[[], datetime], seed: int) -> list[Account]:
    """The organisations of this world: one."""
    draw = Random(f"{seed}/openrouter")
    names = (("Default", "default"), ("Production 🚀", "production"), ("Research, <b>R&D</b> | =1+1", "research"))
    default, production, research = [Workspace(_uuid(seed, slug), name, slug) for name, slug in names]
    keys = {
        "chat default": _key(f"{seed}/chat default", "chatbot", default.id),
        "unnamed": _key(f"{seed}/unnamed", "", default.id),
        "quiet": _key(f"{seed}/quiet", "Nobody uses me", default.id),
        "chat prod": _key(f"{seed}/chat prod", "chatbot", production.id),
        "worker 1": _key(f"{seed}/worker 1", "worker | batch", production.id),
        "worker 2": _key(f"{seed}/worker 2", "worker | batch", production.id),
        "long": _key(f"{seed}/long", _LONG[:300], research.id),
        "rtl": _key(f"{seed}/rtl", "تجارب\nالنماذج", research.id),
        "disabled": _key(f"{seed}/disabled", "Old demo", research.id, disabled=True),
        "expired": _key(f"{seed}/expired", "Workshop of May", research.id, expired=True),
    }
    deleted = _key(f"{seed}/deleted", "first-try", research.id)
    users = [
        User("user_" + identifier(draw, "", 27), "Ada Lovelace", "ada@sandbox.example"),
        User("user_" + identifier(draw, "", 27), None, "grace@sandbox.example"),
    ]
    everyone = {**keys, "deleted": deleted}
    for number, key in enumerate(everyone.values()):
        key.user = users[number % len(users)].id
    return [
        Account(
            name="",
            key=_secret(draw),
            inference_key=_secret(draw),
            workspaces=[default, production, research],
            keys=list(keys.values()),
            deleted=[deleted],
            users=users,
            ledger=Ledger(now, lambda month, until: _facts(seed, month, until, everyone, default.id)),
        )
    ]


def _key(word: str, name: str, workspace: str, *, disabled: bool = False, expired: bool = False) -> Key:
    hashed = hashlib.sha256(word.encode()).hexdigest()
    label = f"sk-or-v1-{hashed[:3]}...{hashed[-3:]}"
    return Key(hashed, int(hashed[:7], 16), name, label, workspace, disabled=disabled, expired=expired)


def _secret(draw: Random) -> str:
    return "sk-or-v1-sandbox" + draw.randbytes(32).hex()[7:]


def _uuid(seed: int, word: str) -> str:
    return str(UUID(bytes=Random(f"{seed}/openrouter/{word}").randbytes(16), version=4))


def _facts(seed: int, month: str, until: datetime, keys: dict[str, Key], default: str) -> Iterator[Fact]:
    draw = Random(f"{seed}/openrouter/{month}")
    for at in moments(draw, month, until):
        for habit in _HABITS:
            size = habit.requests * volume(draw, at.date())
            if at.toordinal() % habit.every == 0:
                key = None if habit.key is None else keys[habit.key]
                yield ordinary(at, habit, default if key is None else key.workspace, key, 1 + round(size))
        yield from _odd(at, keys)


def ordinary(at: datetime, habit: Habit, workspace: str, key: Key | None, requests: int) -> Fact:
    """What a day of a habit comes to."""
    prompt, completion = round(requests * habit.prompt), round(requests * habit.completion)
    price = _usd(prompt * habit.price_in + completion * habit.price_out)
    return Fact(
        at,
        workspace,
        None if key is None else key.hash,
        habit.model,
        habit.provider,
        None if key is None else key.user,
        requests,
        prompt,
        completion,
        reasoning=round(completion * habit.reasoning),
        cached=round(prompt * habit.cached),
        credits=price * Decimal("0.05") if habit.own_key else price,
        byok=price if habit.own_key else Decimal(0),
        byok_requests=requests if habit.own_key else 0,
        web=price / 8 if habit.provider == "OpenAI" else Decimal(0),
        discount=-price / 100 if habit.provider == "Azure" else Decimal(0),
    )


def _odd(at: datetime, keys: dict[str, Key]) -> Iterator[Fact]:
    """What no program expects: money without requests, money back, next to nothing, more cached than asked."""
    chat, worker, rtl = keys["chat prod"], keys["worker 1"], keys["rtl"]
    if at.day == 4:
        yield _money(at, chat, _GPT, "Azure", Decimal("0.0417"))
    if at.day == 5:
        yield _money(at, worker, _FLASH, "Google Vertex", Decimal("-0.0330000001"))
    if at.day == 6:
        yield Fact(at, rtl.workspace, rtl.hash, _GPT, "OpenAI", None, 1, 12, 3, 0, 40, Decimal("1E-7"), Decimal(0))


def _money(at: datetime, key: Key, model: str, provider: str, credits: Decimal) -> Fact:
    return Fact(at, key.workspace, key.hash, model, provider, None, 0, 0, 0, 0, 0, credits, Decimal(0))


def _usd(millionths: float) -> Decimal:
    return Decimal(round(millionths * 1000)).scaleb(-9)

"""The agency at OpenRouter: what it tries out, and a client's second model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from random import Random
from uuid import UUID

from sandbox.agency.projects import CHATBOT, INTERNAL, SITE
from sandbox.openrouter.world import Account, Fact, Habit, Key, User, Workspace, ordinary
from sandbox.shared.ledger import Ledger
from sandbox.shared.rhythm import identifier, moments

_SONNET, _FLASH = "anthropic/claude-sonnet-4", "google/gemini-3-flash-preview"
_DEEPSEEK = "deepseek/deepseek-chat-v3.1"
_HABITS = (
    (SITE, Habit("site", _FLASH, "Google Vertex", 820, 1600, 260, 0.5, 3)),
    (CHATBOT, Habit("chatbot", _SONNET, "Anthropic", 85, 1900, 410, 3, 15, cached=0.4)),
    (INTERNAL, Habit("internal", _DEEPSEEK, "DeepInfra", 260, 2400, 900, 0.2, 0.8)),
    (INTERNAL, Habit("internal", _SONNET, "Amazon Bedrock", 45, 3200, 800, 3, 15)),
)


def accounts(now: Callable[[], datetime], seed: int) -> list[Account]:
    """The agency's organisation: one workspace."""
    where = f"agency/openrouter/{seed}"
    draw = Random(where)
    place = Workspace(str(UUID(bytes=draw.randbytes(16), version=4)), "Atelier", "default")
    user = User("user_" + identifier(draw, "", 27), "Camille Berger", "camille@sandbox.example")
    keys = {
        word: _key(f"{where}/{word}", one.name, place.id, user.id)
        for word, one in (("site", SITE), ("chatbot", CHATBOT), ("internal", INTERNAL))
    }

    def facts(month: str, until: datetime) -> Iterator[Fact]:
        chance = Random(f"{where}/{month}")
        for at in moments(chance, month, until):
            for project, habit in _HABITS:
                requests = round(habit.requests * project.rhythm(chance, at.date()))
                if requests:
                    yield ordinary(at, habit, place.id, keys[habit.key or ""], requests)

    return [
        Account(
            name="",
            key=_secret(draw),
            inference_key=_secret(draw),
            workspaces=[place],
            keys=list(keys.values()),
            deleted=[],
            users=[user],
            ledger=Ledger(now, facts),
        )
    ]


def _key(word: str, name: str, workspace: str, user: str) -> Key:
    hashed = hashlib.sha256(word.encode()).hexdigest()
    return Key(hashed, int(hashed[:7], 16), name, f"sk-or-v1-{hashed[:3]}...{hashed[-3:]}", workspace, user)


def _secret(draw: Random) -> str:
    return "sk-or-v1-sandbox" + draw.randbytes(32).hex()[7:]

"""The agency at ElevenLabs: a service account with a key for each project that speaks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from random import Random

from sandbox.agency.projects import CHATBOT, PODCAST, SITE
from sandbox.elevenlabs.world import Account, Fact, Habit, Key, ServiceAccount, ordinary
from sandbox.shared.ledger import Ledger
from sandbox.shared.rhythm import identifier, moments

_HABITS = (
    (PODCAST, Habit("podcast", "eleven_v3", "text_to_speech", 98_000, 2.4e-4)),
    (PODCAST, Habit("podcast", "music_v1", "music", 9_500, 3.1e-4)),
    (SITE, Habit("site", "eleven_multilingual_v2", "text_to_speech", 5_200, 2.4e-4)),
    (CHATBOT, Habit("chatbot", "eleven_flash_v2_5", "conversational_ai", 14_500, 1.2e-4, "minutes")),
)


def accounts(now: Callable[[], datetime], seed: int) -> list[Account]:
    """The agency's workspace."""
    where = f"agency/elevenlabs/{seed}"
    draw = Random(where)
    words = {"podcast": PODCAST, "site": SITE, "chatbot": CHATBOT}
    hashes = {word: hashlib.sha256(f"{where}/{word}".encode()).hexdigest() for word in (*words, "own")}
    keys = [
        Key(one.name, hashes[word], identifier(draw, "", 20), identifier(draw, "", 4)) for word, one in words.items()
    ]
    own = Key("Relevé des coûts", hashes["own"], identifier(draw, "", 20), identifier(draw, "", 4))

    def facts(month: str, until: datetime) -> Iterator[Fact]:
        chance = Random(f"{where}/{month}")
        for at in moments(chance, month, until):
            for project, habit in _HABITS:
                size = habit.credits * project.rhythm(chance, at.date())
                yield ordinary(at, habit, hashes[habit.key or ""], size)

    return [
        Account(
            name="",
            key=_secret(draw),
            limited_key=_secret(draw),
            nameless_key=_secret(draw),
            ledger=Ledger(now, facts),
            service_accounts=[ServiceAccount(identifier(draw, "", 20), "Production", [*keys, own])],
            unlisted={},
            own_hash=hashes["own"],
        )
    ]


def _secret(draw: Random) -> str:
    return "sk_sandbox" + draw.randbytes(24).hex()[7:]

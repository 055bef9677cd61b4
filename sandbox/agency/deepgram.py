"""The agency at Deepgram: a project for each of its own that listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from random import Random
from uuid import UUID

from sandbox.agency import projects
from sandbox.agency.projects import CHATBOT, PODCAST
from sandbox.deepgram.world import Account, Fact, Habit, Key, Project, key_id, ordinary
from sandbox.shared.ledger import Ledger
from sandbox.shared.rhythm import identifier, moments

_HABITS: dict[projects.Project, tuple[Habit, ...]] = {
    PODCAST: (Habit("podcast", ("Nova-3",), "sync::nova-3", "listen", "sync", 21, 0.258, 1, ("diarize", 0.12)),),
    CHATBOT: (
        Habit("chatbot", ("Nova-3",), "streaming::nova-3", "listen", "streaming", 5.5, 0.462),
        Habit("chatbot", ("Aura-2",), "sync::aura-2", "speak", "sync", 34, 0.03),
    ),
}


def accounts(now: Callable[[], datetime], seed: int) -> list[Account]:
    """The agency's account: one key that sees all projects."""
    where = f"agency/deepgram/{seed}"
    draw = Random(where)
    member = _uuid(where, "member")
    ids = {one: _uuid(where, one.name) for one in _HABITS}
    listed = [
        Project(ids[one], one.name, [Key(key_id(seed, habits[0].key or ""), f"{one.name} – serveur", member)])
        for one, habits in _HABITS.items()
    ]

    def facts(month: str, until: datetime) -> Iterator[Fact]:
        for one, habits in _HABITS.items():
            chance = Random(f"{where}/{one.name}/{month}")
            for at in moments(chance, month, until):
                for habit in habits:
                    size = habit.size * one.rhythm(chance, at.date())
                    yield from ordinary(at, ids[one], key_id(seed, habit.key or ""), habit, size)

    return [
        Account(
            "",
            key=_secret(draw),
            member_key=_secret(draw),
            limited_key=_secret(draw),
            member=member,
            projects=listed,
            ledger=Ledger(now, facts),
        )
    ]


def _uuid(where: str, word: str) -> str:
    return str(UUID(bytes=Random(f"{where}/{word}").randbytes(16), version=4))


def _secret(draw: Random) -> str:
    return "sandbox" + identifier(draw, "", 33).lower()

"""The agency at OpenAI: a project for each of its own, with one key each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from random import Random

from sandbox.agency.projects import CHATBOT, FOUNDED, INTERNAL, NAME, PODCAST, SITE, Project, facts_of, surprise
from sandbox.openai import world
from sandbox.openai.streams import Models, Price, Stream, of, tokens
from sandbox.openai.world import Account, Key
from sandbox.shared.ledger import Ledger
from sandbox.shared.rhythm import Rhythm, identifier

_LARGE: Models = (("2024-06", "gpt-4o-2024-08-06"), ("2026-04", "gpt-5.5-2026-04-23"))
_SMALL: Models = (("2024-06", "gpt-4o-mini-2024-07-18"), ("2026-06", "gpt-5.6-sol"))
_HEARD: Models = (("2024-06", "whisper-1"),)
_READ: Models = (("2024-06", "text-embedding-3-large"),)
_LARGE_PRICES, _SMALL_PRICES = tokens("2.50", "1.25", "10.00"), tokens("0.15", "0.075", "0.60")
_SECONDS = (Price("{model}, audio", "seconds", "0.0001", unit="duration_seconds"),)
_EMBEDDED = (Price("{model}, input", "input_tokens", "0.13", 1_000_000, "tokens"),)


def accounts(now: Callable[[], datetime], seed: int) -> list[Account]:
    """The agency's organisation."""
    where = f"agency/openai/{seed}"
    draw = Random(where)
    projects = {
        one: world.Project(identifier(draw, "proj_", 24), one.name, FOUNDED)
        for one in (SITE, CHATBOT, PODCAST, INTERNAL)
    }
    keys = {
        one: Key(identifier(draw, "key_", 16), f"{one.name} – serveur", project.id, FOUNDED, FOUNDED)
        for one, project in projects.items()
    }
    ids = {one: (project.id, keys[one].id) for one, project in projects.items()}
    streams = list(_streams(ids, surprise(now)))

    return [
        Account(
            "",
            key=identifier(draw, "sk-admin-sandbox-", 40),
            limited_key=identifier(draw, "sk-admin-sandbox-usage-", 34),
            registry_key=identifier(draw, "sk-admin-sandbox-names-", 34),
            project_key=identifier(draw, "sk-proj-sandbox-", 40),
            expired_key=identifier(draw, "sk-admin-sandbox-expired-", 32),
            organization_id=identifier(draw, "org-", 24),
            organization_name=NAME,
            projects=list(projects.values()),
            keys=list(keys.values()),
            ledger=Ledger(now, facts_of(streams, where)),
        )
    ]


def _streams(ids: dict[Project, tuple[str, str]], loop: Rhythm) -> Iterator[Stream]:
    site, chatbot, podcast, internal = (of("completions", *ids[one]) for one in (SITE, CHATBOT, PODCAST, INTERNAL))
    yield Stream(site, _LARGE, 310, _LARGE_PRICES, rhythm=SITE.rhythm)
    yield Stream(site, _SMALL, 1900, _SMALL_PRICES, rhythm=SITE.rhythm)
    yield Stream(chatbot, _SMALL, 5200, _SMALL_PRICES, rhythm=CHATBOT.rhythm)
    yield Stream(
        replace(chatbot, family="embeddings"),
        _READ,
        1500,
        _EMBEDDED,
        each=(("input_tokens", 410),),
        rhythm=CHATBOT.rhythm,
    )
    yield Stream(chatbot, _LARGE, 8600, _LARGE_PRICES, rhythm=loop)
    yield Stream(
        replace(podcast, family="audio_transcriptions"),
        _HEARD,
        40,
        _SECONDS,
        each=(("seconds", 1900),),
        rhythm=PODCAST.rhythm,
    )
    yield Stream(podcast, _LARGE, 260, _LARGE_PRICES, rhythm=PODCAST.rhythm)
    yield Stream(internal, _LARGE, 120, _LARGE_PRICES, rhythm=INTERNAL.rhythm)

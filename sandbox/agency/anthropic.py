"""The agency at Anthropic: a workspace for clients and one for itself, a key for each project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from random import Random
from uuid import UUID

from sandbox.agency.projects import CHATBOT, FOUNDED, INTERNAL, NAME, SITE, facts_of
from sandbox.anthropic.work import HAIKU, OPUS, SONNET, Stream, of
from sandbox.anthropic.world import Account, Key, Workspace
from sandbox.shared.ledger import Ledger
from sandbox.shared.rhythm import identifier


def accounts(now: Callable[[], datetime], seed: int) -> list[Account]:
    """The agency's organisation."""
    where = f"agency/anthropic/{seed}"
    draw = Random(where)
    default, clients, own = (
        Workspace(identifier(draw, "wrkspc_01", 22), name, FOUNDED) for name in ("Default", "Clients", "Interne")
    )
    places = {SITE: clients, CHATBOT: clients, INTERNAL: own}
    keys = {one: Key(identifier(draw, "apikey_01", 22), one.name, place.id, FOUNDED) for one, place in places.items()}
    site, chatbot, internal = (of(keys[one].workspace_id, keys[one].id) for one in (SITE, CHATBOT, INTERNAL))
    streams = (
        Stream(site, SONNET, 210, rhythm=SITE.rhythm),
        Stream(replace(site, service_tier="batch", product="message_batches_api"), HAIKU, 900, rhythm=SITE.rhythm),
        Stream(chatbot, HAIKU, 640, rhythm=CHATBOT.rhythm),
        Stream(chatbot, SONNET, 90, searches=0.4, rhythm=CHATBOT.rhythm),
        Stream(internal, OPUS, 70, rhythm=INTERNAL.rhythm),
        Stream(replace(internal, product="claude_code"), SONNET, 150, rhythm=INTERNAL.rhythm),
    )

    return [
        Account(
            "",
            key=identifier(draw, "sk-ant-admin01-sandbox-", 80),
            limited_key=identifier(draw, "sk-ant-api01-sandbox-", 80),
            workspace_key=identifier(draw, "sk-ant-api03-sandbox-", 80),
            organization_id=str(UUID(int=draw.getrandbits(128), version=4)),
            organization_name=NAME,
            default_workspace=default.id,
            workspaces=[default, clients, own],
            keys=list(keys.values()),
            ledger=Ledger(now, facts_of(streams, where)),
        )
    ]

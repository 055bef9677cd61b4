"""A run that a schedule has made leaves a month alone that is closed, and reads one that is not."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.everything import Sandbox
from sandbox.faults import Fault, Kind
from tests.flows.world import Prefect, World
from usage.names import ProviderName

MONTH = "2026-01"
# The longest announced corrections, Anthropic's, end on 2026-03-04.
IN_TIME = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
BEYOND = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)
NEXT_DAY = datetime(2026, 3, 11, 9, tzinfo=UTC)
SOURCES = {
    "openai/labo",
    "openai/memoways",
    "anthropic",
    "elevenlabs",
    "deepgram/labs",
    "deepgram/prod",
    "openrouter",
}
PROVIDERS = {name.value for name in ProviderName}


class Clocked(World):
    """A world whose providers have the clock that we have."""

    def __init__(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, clock: list[datetime]) -> None:
        self._clock = clock
        super().__init__(sandbox, monkeypatch)

    def at(self, now: datetime) -> None:
        self._clock[:] = [now]
        super().at(now)


@pytest.fixture
def world(prefect_api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clocked]:
    from tasks.fetch import fetch

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fetch, "retry_delay_seconds", [0, 0])
    clock = [BEYOND]
    with Sandbox(lambda: clock[0]) as sandbox:
        world = Clocked(sandbox, monkeypatch, clock)
        world.at(BEYOND)
        yield world


def run(*, scheduled: bool, **parameters: Any) -> Any:
    """The final state of a run; of a schedule's, it bears the tag that Prefect gives to those."""
    from prefect import tags

    from flows.collect import collect

    with tags("auto-scheduled") if scheduled else nullcontext():
        return collect(MONTH, **parameters, return_state=True)


def asked(world: World) -> set[str]:
    """The providers that were asked something since the last time."""
    return set(world.asked()) - {"notion"}


def test_all_providers_are_left_alone_once_their_month_is_closed(world: Clocked, prefect: Prefect) -> None:
    assert run(scheduled=False).is_completed()
    assert asked(world) == PROVIDERS
    before, own = world.rows(), world.own_rows()
    world.at(NEXT_DAY)
    spared = run(scheduled=True)
    assert spared.is_completed()
    requests = world.asked()
    assert set(requests) == {"notion"}
    assert (world.rows(), world.own_rows()) == (before, own)
    message = spared.message
    assert all(f"{source} (read on 2026-03-10)" in message for source in SOURCES)
    assert f"llm-usage collect --month {MONTH} reads it all the same" in message
    assert f"{len(before) + len(own)} unchanged" in message
    # What is shown of it is what stands there, and as old as it is.
    pages = prefect.artifacts(prefect.run(spared).id)
    assert pages[f"report-{MONTH}"].startswith("# 🟢 2026-01: Success")
    known = json.loads(prefect.latest(f"costs-{MONTH}"))
    assert {row["read_at"][:10] for row in known} == {"2026-03-10"}
    assert len(known) == len(SOURCES)
    assert "not read again: figures of 2026" in pages[f"report-{MONTH}"].replace("\\", "")
    # Whoever starts a run wants it read, and so does a schedule that names something.
    assert run(scheduled=False).is_completed()
    assert asked(world) == PROVIDERS
    assert run(scheduled=True, providers=["deepgram"]).is_completed()
    assert asked(world) == {"deepgram"}
    assert run(scheduled=True, account="labo").is_completed()
    assert asked(world) == {"openai"}
    assert run(scheduled=True, accept_lower=True).is_completed()
    assert asked(world) == PROVIDERS


def test_a_month_that_is_not_closed_is_read(world: Clocked) -> None:
    world.at(IN_TIME)
    assert run(scheduled=True).is_completed()
    assert asked(world) == PROVIDERS
    # Anthropic has not said its last word, the others have.
    assert run(scheduled=True).is_completed()
    assert asked(world) == {"anthropic"}
    # Nor is it the last word that was read before it could be said.
    world.at(BEYOND)
    assert run(scheduled=True).is_completed()
    assert asked(world) == {"anthropic"}
    assert run(scheduled=True).is_completed()
    assert asked(world) == set()


def test_a_source_that_fails_is_read_again_and_the_others_keep_their_part_of_the_result(world: Clocked) -> None:
    from usage.outcomes.progress import MonthEnded, listening

    world.fail("deepgram")
    assert run(scheduled=True).is_failed()
    asked(world)
    world.sandbox.faults.clear()
    ended: list[Any] = []
    with listening(lambda event: ended.append(event) if isinstance(event, MonthEnded) else None):
        assert run(scheduled=True).is_completed()
    assert asked(world) == {"deepgram"}
    (result,) = [event.result for event in ended]
    assert {str(one.source) for one in result.sources} == SOURCES
    held: dict[str, float] = {}
    for row in world.rows().values():
        held[row["Identifiant"].split(" - ")[1]] = held.get(row["Identifiant"].split(" - ")[1], 0) + row["Cout USD"]
    for provider in ProviderName:
        costs = [float(one.cost) for one in result.sources if one.provider is provider and one.cost is not None]
        assert sum(costs) == pytest.approx(held[provider.label])


@pytest.mark.parametrize("doubt", ["figure", "tokens", "requests", "row", "key", "grain", "partly"])
def test_what_casts_doubt_on_a_closed_month_has_it_read(world: Clocked, doubt: str) -> None:
    world.only("OPENAI_ADMIN_KEY_LABO")
    assert run(scheduled=False).is_completed()
    asked(world)
    store = world.sandbox.notion.store
    rows = [row for row in store.database("Usages LLM").rows() if row.value("Projet/API Key") != "(collecte)"]
    if doubt == "figure":
        store.edit(rows[0], {"Cout USD": 1000})
    elif doubt in ("tokens", "requests"):
        column = {"tokens": "Tokens Input", "requests": "Requetes"}[doubt]
        row, figure = next((row, figure) for row in rows if isinstance(figure := row.value(column), float | int))
        store.edit(row, {column: figure + 1})
    elif doubt == "row":
        store.trash(max(rows, key=lambda row: row.value("Cout USD") or 0))
    elif doubt == "key":
        api = next(one for one in world.sandbox.providers if one.name == "openai")
        other = next(account for account in api.accounts if account.name == "MEMOWAYS")
        world.set(OPENAI_ADMIN_KEY_LABO=other.key)
    elif doubt == "grain":
        world.set(OPENAI_GRAIN="api_key")
    else:
        world.sandbox.faults.add(Fault(api="openai", kind=Kind.STATUS, status=403, path="/completions", times=-1))
        assert run(scheduled=False).is_failed()
        asked(world)
    run(scheduled=True)
    assert asked(world) == {"openai"}


def test_what_people_have_added_beside_a_closed_month_leaves_it_alone(world: Clocked) -> None:
    world.only("OPENAI_ADMIN_KEY_LABO")
    assert run(scheduled=False).is_completed()
    asked(world)
    store = world.sandbox.notion.store
    usages = store.database("Usages LLM")
    row = next(row for row in usages.rows() if row.value("Projet/API Key") != "(collecte)")
    values = {name: row.value(name) for name in ("Service", "Mois")}
    store.add_row(usages, {"Identifiant": "Facture", "Projet/API Key": "taxes", "Cout USD": 95.5, **values})
    assert run(scheduled=True).is_completed()
    assert asked(world) == set()


def test_accounts_that_exchanged_their_names_are_read_again_once(world: Clocked) -> None:
    keys = ("OPENAI_ADMIN_KEY_LABO", "OPENAI_ADMIN_KEY_MEMOWAYS")
    world.only(*keys)
    assert run(scheduled=False).is_completed()
    asked(world)

    def names() -> dict[str, str]:
        rows = world.rows().values()
        return {row["Projet/API Key"]: row["Workspace"] for row in rows if not row["Projet/API Key"].startswith("(")}

    before = names()
    world.set(**dict(zip(keys, reversed([os.environ[key] for key in keys]), strict=True)))
    assert run(scheduled=True).is_completed()
    assert asked(world) == {"openai"}
    other = {"labo": "memoways", "memoways": "labo"}
    assert names() == {key: other[name] for key, name in before.items()}
    assert run(scheduled=True).is_completed()
    assert asked(world) == set()

"""The flow `backfill` in one process: months as runs of their own, only what is missing, registries read once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.flows.world import Prefect, World
from tests.standins import StandIn
from usage.names import ProviderName

# A key each: what several keys of one provider have brought can't be told apart in Notion, so it is read again.
KEYS = ("DEEPGRAM_API_KEY_PROD", "ELEVENLABS_API_KEY")


def backfill(first: str, last: str, providers: tuple[str, ...] = ()) -> Any:
    """The final state of a run."""
    from flows.backfill import backfill as flow

    return flow(first, last, list(providers), return_state=True)


def months_of(prefect: Prefect, state: Any) -> dict[str, Any]:
    """The runs of a backfill's months, by name."""
    from prefect.client.schemas.filters import FlowRunFilterParentFlowRunId

    parent: UUID = state.state_details.flow_run_id
    return {run.name: run for run in prefect.runs(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[parent]))}


@pytest.fixture
def two(world: World) -> World:
    """Two providers with a key each."""
    world.only(*KEYS)
    return world


def test_a_run_for_each_month_and_a_summary(two: World, prefect: Prefect) -> None:
    state = backfill("2025-12", "last")
    assert (state.name, state.message) == ("Completed", "2 of 2 months are complete")
    parent = prefect.run(state)
    assert parent.name == "2025-12 2026-01 backfill"
    months = months_of(prefect, state)
    assert list(months) == ["2025-12 collect", "2026-01 collect"]
    assert {run.state_name for run in months.values()} == {"Completed"}
    assert set(months["2025-12 collect"].tags) == {"backfill", "month:2025-12"}
    assert set(two.own_rows()) == {
        f"{month} - {name}" for month in ("2025-12", "2026-01") for name in ("Deepgram", "ElevenLabs")
    }

    summary = prefect.artifacts(parent.id)["backfill-2025-12-2026-01"]
    assert "- 2025\\-12 to 2026\\-01\\: $" in summary
    assert "- Total of January 2026\\: $" in summary
    assert "against December 2025" in summary
    page = prefect.artifacts(months["2026-01 collect"].id)["report-2026-01"]
    assert "against December 2025" in page
    grid = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in summary.splitlines() if line.startswith("|")
    ]
    assert grid[0] == ["Month", "OpenAI", "Anthropic", "ElevenLabs", "Deepgram", "OpenRouter", "Total", "This run"]
    assert [row[0] for row in grid[2:]] == ["2025-12", "2026-01", "**Total**"]
    for row in grid[2:4]:
        month = row[0]
        apis: tuple[StandIn, ...] = (two.sandbox.elevenlabs, two.sandbox.deepgram)
        costs = [api.bill(api.accounts[0], month).total for api in apis]
        assert row[1:] == ["–", "–", *(f"🟢 {cost:,.2f}" for cost in costs), "–", f"{sum(costs):,.2f}", "read"]
    assert "data:image/svg+xml;base64," in summary
    assert not any(key in summary for key in two.secrets())


def test_again_reads_only_what_may_still_move(two: World, prefect: Prefect) -> None:
    backfill("2025-12", "last")
    before = two.rows()
    two.asked()
    state = backfill("2025-12", "last")
    assert state.message == "2 of 2 months are complete (1 was before)"
    # Only the month that closed two weeks ago.
    assert list(months_of(prefect, state)) == ["2026-01 collect"]
    assert two.rows() == before
    asked = two.asked()
    assert set(asked) == {"deepgram", "elevenlabs", "notion"}
    assert backfill("2025-12", "2025-12").message == "1 of 1 months are complete (1 was before)"
    assert set(two.asked()) == {"notion"}
    # Whoever names a provider wants it read.
    assert backfill("2025-12", "2025-12", ("deepgram",)).is_completed()
    assert set(two.asked()) == {"deepgram", "notion"}


def test_a_failed_month_does_not_stop_the_others(two: World, prefect: Prefect) -> None:
    two.fail("deepgram", path="/breakdown", when=lambda query, _body: query.get("start", "").startswith("2025-11"))
    state = backfill("2025-11", "2025-12")
    assert state.is_failed()
    assert state.message.startswith("1 of 2 months are complete. To run again: 2025-11: deepgram/prod: ")
    assert {name: run.state_name for name, run in months_of(prefect, state).items()} == {
        "2025-11 collect": "Failed",
        "2025-12 collect": "Completed",
    }
    assert "## To run again" in prefect.artifacts(prefect.run(state).id)["backfill-2025-11-2025-12"]

    two.sandbox.faults.clear()
    two.asked()
    state = backfill("2025-11", "2025-12")
    assert state.message == "2 of 2 months are complete (1 was before)"
    assert list(months_of(prefect, state)) == ["2025-11 collect deepgram"]
    # ElevenLabs' part of that month stands for good.
    assert set(two.asked()) == {"deepgram", "notion"}
    assert two.own_rows()["2025-11 - Deepgram"]["Statut Collecte"] == "Succes"


def test_fewer_requests_than_single_months(world: World) -> None:
    from flows.collect import collect

    world.only(*KEYS, "OPENAI_ADMIN_KEY_LABO", "ANTHROPIC_ADMIN_KEY", "OPENROUTER_MANAGEMENT_KEY")
    months = ("2025-10", "2025-11")
    for month in months:
        assert collect(month, return_state=True).is_completed()
    written, single = world.rows(), world.asked()
    assert backfill(*months, tuple(ProviderName)).is_completed()
    together = world.asked()
    assert set(single) == {*ProviderName, "notion"}
    assert {api: together[api] < single[api] for api in ProviderName} == dict.fromkeys(ProviderName, True)
    # And the same figures.
    assert world.rows() == written


def test_months_out_of_reach_say_so_and_are_not_asked_for_again(two: World) -> None:
    two.set(OPENROUTER_MANAGEMENT_KEY=two.sandbox.environment()["OPENROUTER_MANAGEMENT_KEY"])
    two.only("OPENROUTER_MANAGEMENT_KEY")
    state = backfill("2015-01", "2015-02")
    assert (state.name, state.message) == ("Completed", "2 of 2 months are complete")
    own = two.own_rows()
    assert {row["Statut Collecte"] for row in own.values()} == {"Donnees indisponibles"}
    assert all("OpenRouter ne remonte qu’à 365 jours" in row["Log Status"] for row in own.values())
    assert len(own) == 2
    # It takes one question to know.
    assert two.asked()["openrouter"] == 2
    assert backfill("2015-01", "2015-02").message == "2 of 2 months are complete (2 were before)"
    assert set(two.asked()) == {"notion"}


def test_what_can_t_be_had_is_said_before_anything_is_read(
    two: World, prefect: Prefect, caplog: pytest.LogCaptureFixture
) -> None:
    two.set(OPENROUTER_MANAGEMENT_KEY=two.sandbox.environment()["OPENROUTER_MANAGEMENT_KEY"])
    two.only("OPENROUTER_MANAGEMENT_KEY", "ELEVENLABS_API_KEY")
    with caplog.at_level("WARNING"):
        assert backfill("2025-01", "2025-03").is_completed()
    said = [record for record in caplog.records if "nothing before" in record.getMessage()]
    assert [record.getMessage() for record in said] == [
        "OpenRouter: nothing before 2025-02-14 (2025-01 to 2025-02)",
    ]
    first = min(record.created for record in caplog.records if record.levelname == "WARNING")
    assert said[0].created == first
    # The rest was read all the same.
    assert two.own_rows()["2025-03 - OpenRouter"]["Statut Collecte"] == "Succes"


def test_a_retry_repeats_only_the_months_that_failed(two: World, prefect: Prefect) -> None:
    from flows.backfill import backfill as flow

    two.only("DEEPGRAM_API_KEY_PROD")
    two.fail("deepgram", path="/breakdown", when=lambda query, _body: query.get("start", "").startswith("2025-12"))
    failed = backfill("2025-11", "2025-12")
    assert failed.is_failed()
    two.sandbox.faults.clear()
    two.asked()
    state = prefect.retry(flow, failed)
    assert state.message == "2 of 2 months are complete (1 was before)"
    months = [f"{request.query} {request.body.decode()}" for request in two.sandbox.journal.requests("deepgram")]
    assert any("2025-12" in month for month in months)
    assert not any("2025-11" in month for month in months)


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        ("2026-01", "2025-11", "the range is turned round: 2026-01 comes after 2025-11"),
        ("2025-11", "2031-01", "2031-01 has not begun yet"),
    ],
)
def test_refused_before_anything_is_fetched(two: World, prefect: Prefect, first: str, last: str, sentence: str) -> None:
    state = backfill(first, last)
    assert state.is_failed()
    assert state.message.startswith(sentence)
    assert two.asked() == {}
    assert months_of(prefect, state) == {}

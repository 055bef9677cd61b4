"""What flows run in: the sandbox, and Prefect's server as tests look at it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from cli.commands.setup import set_up_databases
from sandbox.everything import Sandbox
from sandbox.faults import Fault, Kind
from sandbox.notion.store import Row
from usage.settings import KEY_VARIABLES, load_settings

NOW = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
_OURS = ("OPENAI_", "ANTHROPIC_", "ELEVENLABS_", "XI_", "DEEPGRAM_", "OPENROUTER_", "NOTION_", "LLM_USAGE_")


class World:
    """A sandbox with both databases set up, the settings that point to it, and Prefect's server."""

    def __init__(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sandbox, self._monkeypatch = sandbox, monkeypatch
        for name in [name for name in os.environ if name.startswith(_OURS)]:
            monkeypatch.delenv(name)
        self.set(**sandbox.environment())
        self.at(NOW)
        set_up_databases(load_settings())
        sandbox.journal.clear()

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def at(self, now: datetime) -> None:
        self.set(LLM_USAGE_NOW=now.isoformat())

    def only(self, *variables: str) -> None:
        """Take all keys of providers away but these."""
        for name in [name for name in os.environ if name.startswith(tuple(KEY_VARIABLES.values()))]:
            if name not in variables:
                self._monkeypatch.delenv(name)

    def fail(self, api: str, **rule: Any) -> None:
        """Have a provider refuse its key until `faults.clear()`, or as the rule says."""
        usual: dict[str, Any] = {"kind": Kind.STATUS, "status": 401, "times": -1}
        self.sandbox.faults.add(Fault(api=api, **(usual | rule)))

    def asked(self) -> Counter[str]:
        """Requests to each API since the last time."""
        requests = self.sandbox.journal.requests()
        self.sandbox.journal.clear()
        return Counter(request.api for request in requests)

    def _rows(self) -> list[Row]:
        rows: list[Row] = self.sandbox.notion.store.database("Usages LLM").rows()
        return rows

    def rows(self) -> dict[str, Mapping[str, Any]]:
        """Values of the rows of projects and keys, by title, key and workspace."""
        return {
            f"{row.title} {row.value('Projet/API Key')} {row.value('Workspace')}": dict(row.values())
            for row in self._rows()
            if row.value("Projet/API Key") != "(collecte)"
        }

    def own_rows(self) -> dict[str, Mapping[str, Any]]:
        """Values of the sources' own rows, by month and source."""
        return {
            str(row.title).replace(" - Collecte", ""): dict(row.values())
            for row in self._rows()
            if row.value("Projet/API Key") == "(collecte)"
        }

    def secrets(self) -> list[str]:
        """Every key in the environment."""
        return [
            value for name, value in os.environ.items() if name.startswith(("NOTION_TOKEN", *KEY_VARIABLES.values()))
        ]


class Prefect:
    """What Prefect's server knows."""

    def __init__(self) -> None:
        from prefect.client.orchestration import get_client

        self._client = get_client

    def run(self, state: Any) -> Any:
        """The run that ended with a state."""
        with self._client(sync_client=True) as client:
            return client.read_flow_run(state.state_details.flow_run_id)

    def runs(self, **where: Any) -> list[Any]:
        """Runs that fit, in order of their names."""
        from prefect.client.schemas.filters import FlowRunFilter

        with self._client(sync_client=True) as client:
            return sorted(client.read_flow_runs(flow_run_filter=FlowRunFilter(**where)), key=lambda run: run.name)

    def retry(self, flow: Any, state: Any) -> Any:
        """Run the same flow run again, as Retry in the UI and `prefect flow-run retry` do; its new state."""
        from prefect.flow_engine import run_flow
        from prefect.states import Scheduled

        run = self.run(state)
        with self._client(sync_client=True) as client:
            client.set_flow_run_state(run.id, Scheduled(name="AwaitingRetry"), force=True)
            run = client.read_flow_run(run.id)
        return run_flow(flow, flow_run=run, return_type="state")

    def scheduled(self, flow: Any, at: datetime, *arguments: Any) -> Any:
        """A run that was to start at a moment, and has not; not yet run."""
        from prefect.states import Scheduled

        parameters = flow.validate_parameters(dict(zip(flow.parameters.properties, arguments, strict=False)))
        with self._client(sync_client=True) as client:
            return client.create_flow_run(flow, parameters=parameters, state=Scheduled(scheduled_time=at))

    def begin(self, flow: Any, run: Any) -> Any:
        """Run a run that is there already, as a worker does; its final state."""
        from prefect.flow_engine import run_flow

        return run_flow(flow, flow_run=run, parameters=run.parameters, return_type="state")

    def artifacts(self, flow_run: UUID) -> dict[str, str]:
        """Text of a run's artifacts by key, of the latest where one was made anew."""
        from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
        from prefect.client.schemas.sorting import ArtifactSort

        where = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[flow_run]))
        with self._client(sync_client=True) as client:
            found = client.read_artifacts(artifact_filter=where, sort=ArtifactSort.CREATED_DESC)
        return {str(artifact.key): str(artifact.data) for artifact in reversed(found)}

    def latest(self, key: str) -> str:
        """Text of the latest artifact of a key, whichever run has left it, or none."""
        from prefect.client.schemas.filters import ArtifactCollectionFilter, ArtifactCollectionFilterKey

        where = ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=[key]))
        with self._client(sync_client=True) as client:
            (found,) = client.read_latest_artifacts(artifact_filter=where)
        return str(found.data)

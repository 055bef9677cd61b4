"""A workspace of Prefect Cloud in place of a server of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from sandbox.everything import Sandbox
from tests.cli.cloud import Cloud, cloud
from tests.cli.programs import Program


@pytest.fixture
def workspace(prefect_api: str, tmp_path: Path) -> Iterator[Cloud]:
    with cloud(prefect_api, tmp_path) as stand_in:
        yield stand_in


@pytest.fixture
def ready(
    program: Program,
    sandbox: Sandbox,
    workspace: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Program:
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    assert main(["setup"]) == 0
    capsys.readouterr()
    program.variables |= workspace.variables
    return program


def of_the_server(name: str) -> Any:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return client.read_deployment_by_name(name)


def test_a_collection_and_a_deployment_use_the_workspace(ready: Program, workspace: Cloud) -> None:
    told = ready.run("collect", "--provider", "elevenlabs")
    assert (told.status, told.err) == (0, "")
    assert "/flow_runs/" in workspace.asked
    assert not (ready.home / "prefect.db").exists()

    ready.variables["LLM_USAGE_LANG"] = "fr"
    deployed = ready.run("deploy")
    assert (deployed.status, deployed.err) == (0, "")
    assert "work pool llm-usage" in deployed.out
    told = of_the_server("backfill/backfill")
    assert told.description == "Une suite de mois, une exécution pour chacun."
    form = told.parameter_openapi_schema["properties"]
    assert {name: field["title"] for name, field in form.items()} == {
        "first": "Premier mois",
        "last": "Dernier mois",
        "providers": "Fournisseurs",
    }
    assert [choice["title"] for choice in form["last"]["anyOf"]] == ["Choisir", "Écrire un mois"]
    # What a workspace does not have; Prefect itself asks for a storage in vain.
    assert not {"/admin/version", "/health"} & set(workspace.asked)


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"PREFECT_API_KEY": "pnu_another"}, 1, "(HTTP 401): is PREFECT_API_KEY a key that is still valid?"),
        ({"PREFECT_API_SSL_CERT_FILE": ""}, 1, "can't be reached (ConnectError)"),
    ],
)
def test_what_is_wrong_with_it_is_one_sentence(
    ready: Program, sandbox: Sandbox, change: dict[str, str], status: int, told: str
) -> None:
    ready.variables |= change
    for command in ("collect", "deploy"):
        output = ready.run(command)
        assert (output.status, output.out) == (status, "")
        assert told in output.err
        assert output.err.count("\n") == 1
        assert "pnu_" not in output.err
    assert sandbox.journal.requests("openai") == []


def test_an_address_that_is_no_workspace_s(ready: Program, workspace: Cloud) -> None:
    ready.variables["PREFECT_API_URL"] = f"{workspace.origin}/api/accounts/9b649228-0419-40e1-9e0d-44954b5c0ab6"
    output = ready.run("collect")
    assert (output.status, output.out) == (1, "")
    assert "refuses us (HTTP 404): is PREFECT_API_URL a workspace's" in output.err

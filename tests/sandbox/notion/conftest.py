from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from sandbox.notion import NotionApi

Json = dict[str, Any]


@dataclass
class Clock:
    """Stands still until it is moved; `seconds` is the same clock for the rate limit."""

    moment: datetime = field(default_factory=lambda: datetime(2026, 2, 3, 10, 20, 33, 250_000, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.moment

    def seconds(self) -> float:
        return self.moment.timestamp()

    def move(self, **parts: float) -> None:
        self.moment += timedelta(**parts)


@dataclass
class Notion:
    """A client that says in one line what it expects."""

    api: NotionApi
    http: httpx.Client
    version: str = "2026-03-11"

    def ask(self, method: str, path: str, body: Json | None = None, **more: Any) -> Json:
        """The body of an answer with status 200."""
        answer = self.send(method, path, body, **more)
        assert answer.status_code == 200, answer.text
        shown: Json = answer.json()
        return shown

    def refused(self, status: int, method: str, path: str, body: Json | None = None, **more: Any) -> str:
        """The message of a refusal with this status, whose body has been looked at."""
        answer = self.send(method, path, body, **more)
        assert answer.status_code == status, answer.text
        shown = answer.json()
        assert (shown["object"], shown["status"]) == ("error", status)
        assert shown["request_id"] == answer.headers["x-notion-request-id"]
        return str(shown["message"])

    def send(self, method: str, path: str, body: Json | None = None, **more: Any) -> httpx.Response:
        headers = {"Notion-Version": self.version, "Authorization": f"Bearer {self.api.token}"}
        return self.http.request(method, f"/v1{path}", json=body, headers=headers | more.pop("headers", {}), **more)

    # -- The two databases of the job, as an API client makes them --------------------------------------------------

    def services(self) -> Json:
        """A data source `Services` made through the API."""
        return self.database("Services", {"Nom": {"title": {}}, "Statut": {"select": {"options": [{"name": "Actif"}]}}})

    def usages(self, services: Json, **more: Json) -> Json:
        """A data source `Usages` with a two-way relation to services, made through the API."""
        relation = {
            "data_source_id": services["id"],
            "type": "dual_property",
            "dual_property": {"synced_property_name": "Usages"},
        }
        total = 'prop("Entrée") + prop("Sortie")'
        return self.database(
            "Usages",
            {
                "Identifiant": {"title": {}},
                "Service": {"relation": relation},
                "Mois": {"rich_text": {}},
                "Entrée": {"number": {"format": "number_with_commas"}},
                "Sortie": {"number": {"format": "number_with_commas"}},
                "Total": {"formula": {"expression": total}},
                "Cout USD": {"number": {"format": "dollar"}},
                "Collecte Le": {"date": {}},
                "Statut": {"select": {"options": [{"name": "OK", "color": "green"}]}},
                "Lien": {"url": {}},
                **more,
            },
        )

    def database(self, title: str, properties: Json) -> Json:
        """A data source, as it is read back."""
        made = self.ask(
            "POST",
            "/databases",
            {
                "parent": {"type": "page_id", "page_id": self.api.parent_page_id},
                "title": words(title),
                "initial_data_source": {"properties": properties},
            },
        )
        return self.source(made["data_sources"][0]["id"])

    def source(self, key: str) -> Json:
        return self.ask("GET", f"/data_sources/{key}")

    def change(self, source: Json, properties: Json) -> Json:
        return self.ask("PATCH", f"/data_sources/{source['id']}", {"properties": properties})

    def row(self, source: Json, **properties: Json) -> Json:
        """A new row."""
        parent = {"type": "data_source_id", "data_source_id": source["id"]}
        return self.ask("POST", "/pages", {"parent": parent, "properties": properties})

    def query(self, source: Json, body: Json | None = None, **more: Any) -> Json:
        return self.ask("POST", f"/data_sources/{source['id']}/query", body or {}, **more)


def words(text: str) -> list[Json]:
    return [{"type": "text", "text": {"content": text}}]


@pytest.fixture(name="words")
def _words() -> Callable[[str], list[Json]]:
    return words


@pytest.fixture
def moving() -> Clock:
    return Clock()


@pytest.fixture
def api(moving: Clock) -> NotionApi:
    api = NotionApi(moving)
    api.clock = moving.seconds
    return api


@pytest.fixture
def notion(api: NotionApi, direct: Callable[..., httpx.Client]) -> Notion:
    return Notion(api, direct(api.app, {}))


@pytest.fixture(scope="session")
def published(shared: Path) -> Callable[[str, Json], None]:
    """Checks an answer against a schema of the SDK's description, which asks for `archived` in every version."""
    spec = json.loads((shared / "specs" / "notion.openapi-sdk-5.26.0.json").read_text())
    components = _without_archived(spec["components"])
    validators: dict[str, Draft202012Validator] = {}

    def check(name: str, answer: Json) -> None:
        if name not in validators:
            validators[name] = Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": components})
        validators[name].validate(answer)

    return check


@pytest.fixture(scope="session")
def recorded(shared: Path) -> Callable[[str], Json]:
    """A recorded exchange by its name."""
    return lambda name: json.loads((shared / "examples" / "notion" / f"{name}.json").read_text())


def _without_archived(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_archived(item) for item in value]
    if not isinstance(value, dict):
        return value
    loose = {key: _without_archived(item) for key, item in value.items()}
    if isinstance(loose.get("required"), list):
        loose["required"] = [name for name in loose["required"] if name != "archived"]
    return loose

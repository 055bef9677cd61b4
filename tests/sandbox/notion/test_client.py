"""Notion's Python client works against the stand-in as it does against Notion."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Iterator
from typing import Any

import notion_client
import pytest
from notion_client import APIResponseError
from notion_client.helpers import collect_paginated_api, is_full_page

from sandbox.notion import NotionApi
from sandbox.server import Server


def now(answer: Any | Awaitable[Any]) -> dict[str, Any]:
    """What the client has read; its types allow for an answer that is still on its way, too."""
    assert isinstance(answer, dict)
    return answer


@pytest.fixture
def server(api: NotionApi) -> Iterator[Server]:
    with Server([api]) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[notion_client.Client]:
    environment = server.environment()
    client = notion_client.Client(
        auth=environment["NOTION_TOKEN"],
        base_url=environment["NOTION_BASE_URL"],
        notion_version="2026-03-11",
        retry=False,
        logger=logging.getLogger("test"),
    )
    yield client
    client.close()


def test_set_up_write_and_read(client: notion_client.Client, server: Server, api: NotionApi, words: Any) -> None:
    parent = {"type": "page_id", "page_id": server.environment()["NOTION_PARENT_PAGE_ID"]}
    schema = {"Nom": {"title": {}}, "Coût/mois": {"number": {"format": "dollar"}}}
    made = now(
        client.databases.create(parent=parent, title=words("Services LLM"), initial_data_source={"properties": schema})
    )
    source = now(client.data_sources.retrieve(made["data_sources"][0]["id"]))
    key = source["properties"]["Coût/mois"]["id"]
    for index in range(3):
        values = {"Nom": {"title": words(str(index))}, "Coût/mois": {"number": index}}
        assert is_full_page(now(client.pages.create(parent={"data_source_id": source["id"]}, properties=values)))
    pages = collect_paginated_api(
        client.data_sources.query, data_source_id=source["id"], page_size=2, filter_properties=[key, "title"]
    )
    assert [page["properties"]["Coût/mois"]["number"] for page in pages] == [2, 1, 0]
    client.pages.update(pages[0]["id"], in_trash=True)
    assert len(api.store.database("Services LLM").rows()) == 2
    children = collect_paginated_api(client.blocks.children.list, block_id=parent["page_id"])
    assert [child["id"] for child in children] == [made["id"]]
    assert now(client.users.me())["type"] == "bot"
    assert server.journal.requests("notion", method="POST", path="/v1/pages")[0].status == 200
    assert api.pace.tokens_in_urls == []


def test_files(client: notion_client.Client) -> None:
    upload = now(client.file_uploads.create(mode="single_part", filename="usage.json", content_type="application/json"))
    file = ("usage.json", b'{"a": 1}', "application/json")
    sent = now(client.file_uploads.send(file_upload_id=upload["id"], file=file))
    assert (sent["status"], sent["content_length"]) == ("uploaded", 8)


def test_errors_are_the_clients_own(client: notion_client.Client, api: NotionApi) -> None:
    with pytest.raises(APIResponseError) as missing:
        client.pages.retrieve("00000000-0000-0000-0000-000000000000")
    assert (missing.value.code, missing.value.status) == ("object_not_found", 404)
    assert missing.value.request_id
    api.requests_per_minute = 0
    with pytest.raises(APIResponseError) as limited:
        client.users.me()
    assert (limited.value.code, limited.value.headers["retry-after"]) == ("rate_limited", "60")
    assert limited.value.additional_data is not None
    assert limited.value.additional_data["rate_limit_reason"] == "public_api_request_rate_limit"

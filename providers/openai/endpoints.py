"""The endpoints of OpenAI's organization API that the job reads, and what is surprising about each.

Facts: OpenAI's published API description and the official Python package `openai` 3.54.0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.records.record import Unit

COSTS: Final = "/organization/costs"
PROJECTS: Final = "/organization/projects"
BUCKETS_PER_PAGE: Final = "31"
"""A month has at most 31 daily buckets, the most that the usage endpoints give in one page."""

FEWER_BUCKETS: Final = "1"
"""Days in a page of a month that would not fit into `LARGE_PAGE`."""
LARGE_PAGE: Final = 16 * 2**20
"""Bytes that a page of a month may have; the month then has some 25,000 lines. What is read takes memory while it is
worked on: a huge month in one page takes hundreds of MiB, day by day tens."""

COST_BUCKETS_PER_PAGE: Final = "180"
"""The most that costs give in one page; for a backfill, which asks for many months at once."""

BY_KEY: Final = ("project_id", "api_key_id", "line_item")
BY_PROJECT: Final = ("project_id", "line_item")
"""Some accounts refuse grouping costs by key (400)."""


def keys_of(project: str) -> str:
    """Path of a project's keys: there is no list of all keys of an organization."""
    return f"{PROJECTS}/{quote(project, safe='')}/api_keys"


@dataclass(frozen=True, slots=True)
class Family:
    """One usage endpoint and the measures taken from it.

    `what` gives its name in sentences; `item` stands in for the model where the family has none or where its money
    comes under a line of its own.
    """

    path: str
    what: Callable[[], Sentence]
    group_by: tuple[str, ...]
    tokens_in: bool = False
    tokens_out: bool = False
    requests: bool = False
    unit: Unit | None = None
    measure: str = ""
    """Field that holds the unit's amount."""
    item: str | None = None
    is_stock: bool = False
    """True when the measure is what is stored on a day, not what was used: the month's highest day is kept."""


_BY_MODEL = ("project_id", "api_key_id", "model")

FAMILIES: Final = (
    # `input_tokens` already holds cached and cache-write tokens: the sub-counts are never added.
    Family(
        "/organization/usage/completions",
        lambda: say("the completions"),
        _BY_MODEL,
        tokens_in=True,
        tokens_out=True,
        requests=True,
    ),
    # Newer than many accounts: 404 there.
    Family(
        "/organization/usage/decisions",
        lambda: say("the decisions"),
        _BY_MODEL,
        tokens_in=True,
        tokens_out=True,
        requests=True,
    ),
    Family("/organization/usage/embeddings", lambda: say("the embeddings"), _BY_MODEL, tokens_in=True, requests=True),
    Family("/organization/usage/moderations", lambda: say("the moderations"), _BY_MODEL, tokens_in=True, requests=True),
    Family(
        "/organization/usage/images",
        lambda: say("the images"),
        _BY_MODEL,
        requests=True,
        unit=Unit.IMAGES,
        measure="images",
    ),
    Family(
        "/organization/usage/audio_speeches",
        lambda: say("the speech synthesis"),
        _BY_MODEL,
        requests=True,
        unit=Unit.CHARACTERS,
        measure="characters",
    ),
    Family(
        "/organization/usage/audio_transcriptions",
        lambda: say("the transcriptions"),
        _BY_MODEL,
        requests=True,
        unit=Unit.SECONDS,
        measure="seconds",
    ),
    Family(
        "/organization/usage/vector_stores",
        lambda: say("the vector stores"),
        ("project_id",),
        unit=Unit.BYTES,
        measure="usage_bytes",
        item="Vector storage",
        is_stock=True,
    ),
    Family(
        "/organization/usage/code_interpreter_sessions",
        lambda: say("the code sessions"),
        ("project_id",),
        unit=Unit.SESSIONS,
        measure="num_sessions",
        item="code interpreter sessions",
    ),
    # Calls of the two search tools come out of model requests that `completions` has counted: they are calls here, and
    # not requests once more. The items are named like the cost lines, so that calls and money meet in one entry.
    Family(
        "/organization/usage/file_search_calls",
        lambda: say("the file searches"),
        ("project_id", "api_key_id"),
        unit=Unit.CALLS,
        measure="num_requests",
        item="file search tool calls",
    ),
    Family(
        "/organization/usage/web_search_calls",
        lambda: say("the web searches"),
        ("project_id", "api_key_id"),
        unit=Unit.CALLS,
        measure="num_requests",
        item="web search tool calls",
    ),
)

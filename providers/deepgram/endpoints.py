"""The endpoints of Deepgram's management API that the job reads, and what is surprising about each.

Facts: Deepgram's published API description of July 2026 and the official Python package `deepgram-sdk` 7.16.0.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from providers.shared.http import Params

PROJECTS: Final = "/projects"
"""What the key sees: one project as a rule. The answer has no pages."""

EXPIRED: Final[Params] = [("status", "expired")]
"""Whether a list of keys without `status` holds the expired ones is not published: they are asked for by name."""

BY_KEY_AND_ITEM: Final[Params] = [("grouping", "accessor"), ("grouping", "line_item")]
"""Billing takes any number of groupings, each as a parameter of its own: joined by a comma they are refused."""

BY_KEY: Final[Params] = [("grouping", "accessor")]
BY_MODEL: Final[Params] = [("grouping", "models")]
"""Usage takes one grouping: hence two tables of the same usage, of which one alone may be counted. Old texts spell it
`model`."""

UNGROUPED: Final[Params] = []


def _of(project: str) -> str:
    # Ids are other people's text as long as nobody has seen them.
    return f"/projects/{quote(project, safe='')}"


def keys_of(project: str) -> str:
    """Path of a project's keys. Deleted keys are not listed, but stay in usage and billing."""
    return f"{_of(project)}/keys"


def billing_of(project: str) -> str:
    """Path of a project's US dollars by day: younger than the usage, and it may reach less far back."""
    return f"{_of(project)}/billing/breakdown"


def usage_of(project: str) -> str:
    """Path of a project's usage by day. `/usage` is the older form, without groups."""
    return f"{_of(project)}/usage/breakdown"


def for_key(key: str) -> Params:
    """The filter that keeps one key's usage."""
    return [("accessor", key)]


def scope_of(path: str) -> str:
    """The scope that a path asks of the key."""
    for ending, scope in (
        ("/billing/breakdown", "billing:read"),
        ("/usage/breakdown", "usage:read"),
        ("/keys", "keys:read"),
    ):
        if path.endswith(ending):
            return scope
    return "project:read"

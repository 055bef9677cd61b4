"""Trouble on request: statuses, cut connections, lost answers, bodies that are not what they claim.

Faults are rules. The first rule that fits a request and has turns left is used up by one, and acts once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import Any

JsonBody = Mapping[str, Any] | list[Any]


class Kind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    """Answer with `status`, `headers` and `body` without reaching the API."""
    CUT_BEFORE = "cut_before"
    """Close the connection before the API has seen the request."""
    CUT_AFTER = "cut_after"
    """Let the API do its work, then close the connection: the answer is lost."""
    STATUS_AFTER = "status_after"
    """Let the API do its work, then answer with `status`, `headers` and `body` instead of its answer."""
    TRUNCATE = "truncate"
    """Send the headers and half of the body, then close the connection."""
    HTML = "html"
    """Status 200 with an HTML page, as a proxy's login page would."""
    REWRITE = "rewrite"
    """Pass the decoded JSON answer through `rewrite`."""


@dataclass
class Fault:
    """One rule. `path` is a regular expression searched in the path; `method` empty fits all."""

    api: str
    kind: Kind
    path: str = ""
    method: str = ""
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: JsonBody | str | bytes | None = None
    rewrite: Callable[[Any], Any] | None = None
    when: Callable[[Mapping[str, str], bytes], bool] | None = None
    """Looks at the query parameters and the request body."""
    skip: int = 0
    """Let this many fitting requests through first."""
    times: int = 1
    """How often the fault acts; -1 is for ever."""

    def encoded(self) -> tuple[bytes, str]:
        """The body and its content type."""
        if self.kind is Kind.HTML:
            return b"<!doctype html><title>Sign in</title><p>Please sign in.", "text/html"
        if self.body is None:
            return b"", "application/json"
        if isinstance(self.body, bytes):
            return self.body, "application/json"
        if isinstance(self.body, str):
            return self.body.encode(), "text/plain"
        return json.dumps(self.body).encode(), "application/json"


@dataclass
class Faults:
    """The rules in force."""

    _rules: list[Fault] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, fault: Fault) -> Fault:
        """Put a rule in force, behind the ones before it."""
        with self._lock:
            self._rules.append(fault)
        return fault

    def clear(self) -> None:
        """Take all rules out of force."""
        with self._lock:
            self._rules.clear()

    def take(self, api: str, method: str, path: str, query: Mapping[str, str], body: bytes) -> Fault | None:
        """The rule that acts on this request, if any; uses up one turn of it."""
        with self._lock:
            for rule in self._rules:
                if rule.api != api or (rule.method and rule.method != method) or not re.search(rule.path, path):
                    continue
                if rule.times == 0 or (rule.when is not None and not rule.when(query, body)):
                    continue
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                if rule.times > 0:
                    rule.times -= 1
                return rule
        return None

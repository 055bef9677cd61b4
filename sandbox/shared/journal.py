"""What the stand-ins were asked: one entry per request, for counting and for looking at."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived, and the status it was answered with (0: the connection was cut)."""

    api: str
    method: str
    path: str
    query: str
    body: bytes
    headers: tuple[tuple[str, str], ...]
    status: int

    def header(self, name: str) -> str | None:
        """Value of a header by its lower-case name."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass
class Journal:
    """All requests so far, in order of arrival. Safe to read while the server runs."""

    _requests: list[Request] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, request: Request) -> None:
        """Append one request."""
        with self._lock:
            self._requests.append(request)

    def requests(self, api: str | None = None, *, method: str | None = None, path: str = "") -> list[Request]:
        """Requests of one API (all when None), whose path contains `path`."""
        with self._lock:
            return [
                request
                for request in self._requests
                if (api is None or request.api == api)
                and (method is None or request.method == method)
                and path in request.path
            ]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._requests.clear()

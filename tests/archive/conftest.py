from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from moto.server import ThreadedMotoServer

BUCKET = "readings"


class Bucket:
    """A bucket of an object store on loopback."""

    def __init__(self, server: ThreadedMotoServer) -> None:
        self._server = server
        host, port = server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"
        self.address = f"s3://{BUCKET}/team/archive"
        self._client = httpx.Client(base_url=self.endpoint, trust_env=False)
        self._client.put(f"/{BUCKET}").raise_for_status()

    def refuse(self, *, after: str = "0") -> None:
        """After so many requests from now on, take no key that the store has not made itself."""
        self._client.post("/moto-api/reset-auth", content=after).raise_for_status()

    def end(self) -> None:
        """Forget all that is in it: what the store knows is the process's own."""
        self.refuse(after="inf")
        self._client.post("/moto-api/reset").raise_for_status()
        self._client.close()
        self._server.stop()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    bucket = Bucket(server)
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.endpoint)
    yield bucket
    bucket.end()

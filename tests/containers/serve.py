"""Serves the sandbox over TLS, to the other containers: `python serve.py CERTIFICATE KEY`."""

from __future__ import annotations

import asyncio
import ssl
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from sandbox.everything import Sandbox

NOW: Final = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
PORT: Final = 8443


async def serve(port: int, certificate: str, key: str) -> None:
    """Pass on to a port of loopback whatever comes in."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_there = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_copy(reader, to_there), _copy(there, writer))

    async with await asyncio.start_server(relay, "0.0.0.0", PORT, ssl=tls) as server:  # noqa: S104  # of its container
        await server.serve_forever()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # Either end may break off.
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    with Sandbox(lambda: NOW) as _sandbox:
        asyncio.run(serve(int(urlsplit(_sandbox.origin).port or 0), *sys.argv[1:]))

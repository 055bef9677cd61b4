"""A provider's own answers as compressed JSON lines, one for each request, and back.

A line has `method`, `path`, `params`, `sent` (the JSON of a POST), `status`, `at` (UTC), `sha256` (of the body as it
came) and `body` (text). Of headers nothing is kept, so no key is; and in place of addresses of e-mail stands a word,
because registries tell who made a key, and nothing here needs to know.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec
import pyarrow as pa

from usage.peers.exchange import Exchange, Question

SUFFIX: Final = ".jsonl.zst"
_CODEC: Final = "zstd"
WITHOUT_EMAIL: Final = b"e-mail-address-removed"
_AT: Final = re.compile(rb"@|\\u0040")
_BETWEEN: Final = re.compile(rb'[\s"<>(),;:]')
_DOMAIN: Final = re.compile(rb'[^\s"<>(),;:\\@]+\.[^\s"<>(),;:\\@.]{2,}')
_LONGEST_NAME: Final = 256
_PIECE: Final = 2**20
"""Bytes of a body that are written at once."""


class AnswerLog:
    """Takes exchanges in as they come and holds them compressed."""

    def __init__(self) -> None:
        self._buffer = pa.BufferOutputStream()
        self._stream = pa.CompressedOutputStream(self._buffer, _CODEC)
        self._contents = hashlib.sha256()
        self._whole: pa.Buffer | None = None
        self.count = 0
        """Exchanges so far."""

    def add(self, exchange: Exchange) -> None:
        """Take in one exchange."""
        question = exchange.question
        digest = hashlib.sha256(exchange.content).hexdigest()
        line = {
            "method": question.method,
            "path": question.path,
            "params": [list(pair) for pair in question.params],
            "sent": question.body,
            "status": exchange.status,
            "at": exchange.at.isoformat(),
            "sha256": digest,
        }
        self._contents.update(f"{question}{exchange.status}{digest}".encode())
        # A body may have 150 MB, which should not be there several times over.
        self._stream.write(json.dumps(line, ensure_ascii=False).removesuffix("}").encode() + b', "body": "')
        for piece in _cut(exchange.content):
            text = without_emails(piece).decode("utf-8", "replace")
            self._stream.write(memoryview(msgspec.json.encode(text))[1:-1])
        self._stream.write(b'"}\n')
        self.count += 1

    @property
    def digest(self) -> str:
        """SHA-256 of what was asked and answered, whenever that was: the same for a reading that is unchanged."""
        return self._contents.hexdigest()

    def content(self) -> bytes:
        """All lines, compressed. Nothing can be added afterwards."""
        if self._whole is None:
            self._stream.close()
            self._whole = self._buffer.getvalue()
        content: bytes = self._whole.to_pybytes()
        return content


def _cut(content: bytes) -> Iterator[bytes]:
    """A body in pieces, cut where no word and no character goes on."""
    start = 0
    while start < len(content):
        end = start + _PIECE
        if end < len(content):
            end = max(content.rfind(mark, start, end) for mark in (b'"', b"\n")) + 1 or len(content)
        yield content[start:end]
        start = end


def without_emails(content: bytes) -> bytes:
    """A body without addresses of e-mail."""
    if b"@" not in content and content.rfind(b"\\u0040") < 0:
        # As nearly always. Looking for both at once takes five times as long, from the front twice as long.
        return content
    pieces, done = [], 0
    for at in _AT.finditer(content):
        name = _BETWEEN.split(content[max(done, at.start() - _LONGEST_NAME) : at.start()])[-1]
        domain = _DOMAIN.match(content, at.end())
        if 0 < len(name) < _LONGEST_NAME and domain is not None:
            pieces += [content[done : at.start() - len(name)], WITHOUT_EMAIL]
            done = domain.end()
    return b"".join([*pieces, content[done:]]) if pieces else content


def read_answers(content: bytes) -> Iterator[Exchange]:
    """The exchanges in a file of the archive, in the order in which the answers came.

    Raises:
        ValueError: It is no such file.
    """
    with pa.CompressedInputStream(pa.BufferReader(content), _CODEC) as stream:
        # Arrow's streams have no `readline`; answers are held in memory one by one all the same.
        rest = b""
        while chunk := stream.read(1 << 20):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from map(_exchange, lines)
    if rest:
        raise ValueError("the last line of the answers is cut")


def _exchange(line: bytes) -> Exchange:
    data: dict[str, Any] = json.loads(line)
    return Exchange(
        question=Question(
            data["method"], data["path"], tuple((name, value) for name, value in data["params"]), data["sent"]
        ),
        status=data["status"],
        at=datetime.fromisoformat(data["at"]),
        content=data["body"].encode(),
    )

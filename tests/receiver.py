"""A stand-in for a chat: it takes what is posted to it on loopback, or refuses it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SECRET = "s3cr3t-t0ken"


@dataclass
class Receiver:
    """What was posted, and what is answered."""

    port: int
    status: int = 200
    silent: bool = False
    """Whether it takes what is sent and never answers, until it is closed."""
    messages: list[dict[str, Any]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        """One of Apprise's, with a secret in each part that can hold one."""
        return f"json://ana:{SECRET}@127.0.0.1:{self.port}/hooks/{SECRET}?+X-Key={SECRET}"

    def file(self, folder: Path, *more: str) -> str:
        """A file that names it, for this user alone; its path."""
        path = folder / "notify.txt"
        path.write_text("\n".join([self.address, *more]) + "\n")
        path.chmod(0o600)
        return str(path)

    @property
    def bodies(self) -> list[str]:
        return [str(message["message"]) for message in self.messages]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """One that listens while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            if receiver.silent:
                receiver.closing.wait()
                return
            if receiver.status < 300:
                receiver.messages.append(json.loads(content))
            self.send_response(receiver.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        receiver = Receiver(server.server_port)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.closing.set()
            server.shutdown()
            thread.join()

"""A month of OpenAI's costs in one large answer: peak memory and processor seconds of a whole `llm-usage collect`.

    python -m benchmarks.large_answer [lines] [--gzip]

The answer comes from a loopback server in a process of its own, Notion is the stand-in. 248,000 lines are an answer of
150 MB, the largest that was seen; the budget is 700 MiB. Seconds are those of the processor, over all threads; those of
Prefect's own server, which the command starts, are among them.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from benchmarks.openai_month import MONTH, bucket, costs, page
from sandbox.notion import NotionApi
from sandbox.server import Server
from sandbox.shared.standin import now

LINES, BYTES = 248_000, 700 * 2**20
"""The budget."""
_ROOT = Path(__file__).parent.parent


def serve(lines: int, *, packed: bool) -> None:
    """Answer OpenAI's requests until the process is ended. Prints the port, and how large the answer is."""
    body, total = costs(lines)
    size = len(body)
    body = gzip.compress(body, 1) if packed else body
    nothing = page([bucket(day, "") for day in range(MONTH.days)])
    registry = json.dumps({"object": "list", "data": [], "has_more": False}).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            is_costs = address.path.endswith("/costs")
            is_large = is_costs and "group_by[]" in parse_qs(address.query)
            report = (body if is_large else total) if is_costs else nothing
            content = report if "start_time" in address.query else registry
            self.send_response(200)
            if is_large and packed:
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(json.dumps({"port": server.server_port, "bytes": size}), flush=True)
    server.serve_forever()


@contextmanager
def peer(lines: int, *options: str) -> Iterator[tuple[str, int]]:
    """The server in a process of its own: its address, and the bytes of the large answer."""
    process = subprocess.Popen(  # noqa: S603  # our own module
        [sys.executable, "-m", "benchmarks.large_answer", "serve", str(lines), *options],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        yield f"http://127.0.0.1:{said['port']}/v1", said["bytes"]
    finally:
        process.kill()
        process.wait()


def main() -> int:
    """Print the figures; 1 when the budget is missed."""
    numbers, options = [int(word) for word in sys.argv[1:] if word.isdigit()], sys.argv[1:]
    lines = numbers[0] if numbers else LINES
    with (
        tempfile.TemporaryDirectory() as folder,
        Server([NotionApi(now)]) as notion,
        peer(lines, *[option for option in options if option == "--gzip"]) as (address, size),
    ):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        environment = (
            kept
            | notion.environment()
            | {
                "OPENAI_ADMIN_KEY": "sk-admin-benchmark",
                "OPENAI_ADMIN_BASE_URL": address,
                "PREFECT_HOME": f"{folder}/prefect",
                "XDG_STATE_HOME": f"{folder}/state",
                "XDG_DATA_HOME": f"{folder}/data",
                "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
                "PYTHONPATH": str(_ROOT),
            }
        )
        _command(["setup"], environment, folder)
        peak, seconds, printed = _command(["collect", "--month", str(MONTH), "--json"], environment, folder)
    (source,) = json.loads(printed)["sources"]
    print(f"{lines} lines in {size / 1e6:.0f} MB: {source['rows']} rows, {source['cost_usd']} USD, {source['status']}")
    print(f"whole process: peak memory {peak / 2**20:.0f} MiB, {seconds:.2f} s of the processor")
    print(f"budget of {BYTES / 2**20:.0f} MiB: {'kept' if peak <= BYTES else 'missed'}")
    return 0 if peak <= BYTES else 1


def _command(arguments: list[str], environment: dict[str, str], folder: str) -> tuple[int, float, str]:
    """Peak memory in bytes, processor seconds and standard output of one command."""
    with open(f"{folder}/printed", "w+") as printed:
        process = subprocess.Popen(  # noqa: S603  # our own module
            [sys.executable, "-m", "cli.main", *arguments],
            env=environment,
            cwd=folder,
            stdout=printed,
            stderr=subprocess.DEVNULL,
        )
        _, _, used = os.wait4(process.pid, 0)
        printed.seek(0)
        # Kibibytes on Linux, bytes on macOS.
        peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return peak, used.ru_utime + used.ru_stime, printed.read()


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]), packed="--gzip" in sys.argv)
    raise SystemExit(main())

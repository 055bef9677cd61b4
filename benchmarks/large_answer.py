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
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from sandbox.notion import NotionApi
from sandbox.server import Server
from sandbox.shared.standin import now
from usage.month import Month

LINES, BYTES = 248_000, 700 * 2**20
"""The budget."""
MONTH = Month(2026, 1)
PROJECTS, KEYS, MODELS = 200, 10, 8
KINDS = ("input", "cached input", "output")
_ROOT = Path(__file__).parent.parent


def costs(lines: int) -> tuple[bytes, bytes]:
    """The answer, set in lines and columns as OpenAI's answers are, with amounts in both spellings that were seen; and
    that to the question for the total, without grouping.
    """
    draw = random.Random(1)
    days, total = [], Decimal(0)
    for day in range(MONTH.days):
        share = lines // MONTH.days + (day < lines % MONTH.days)
        amounts = [f"{draw.randrange(100)}.{draw.randrange(10**16):016d}" for _ in range(share)]
        total += sum(map(Decimal, amounts))
        results = (_line(number, value, draw.randrange(10**6)) for number, value in enumerate(amounts))
        days.append(_bucket(day, ",\n".join(results)))
    whole = [_bucket(day, _line(0, str(total), 0) if day == 0 else "") for day in range(MONTH.days)]
    return _page(days), _page(whole)


def _line(number: int, value: str, quantity: int) -> str:
    project, rest = number % PROJECTS, number // PROJECTS
    return f"""        {{
          "object": "organization.costs.result",
          "amount": {{
            "value": {f'"{value}"' if number % 2 else value},
            "currency": "usd"
          }},
          "line_item": "gpt-4o-{rest % MODELS}-2026-01-01, {KINDS[rest % len(KINDS)]}",
          "project_id": "proj_{project:024d}",
          "project_name": "Projet n\\u00b0 {project}",
          "api_key_id": "key_{project:08d}{rest % KEYS:08d}",
          "user_id": null,
          "user_email": null,
          "quantity": {quantity}.0,
          "quantity_unit": "tokens",
          "organization_id": "org-benchmark",
          "organization_name": "Benchmark"
        }}"""


def _bucket(day: int, results: str) -> str:
    start = int(MONTH.start.timestamp()) + day * 86_400
    return f"""    {{
      "object": "bucket",
      "start_time": {start},
      "end_time": {start + 86_400},
      "results": [
{results}
      ]
    }}"""


def _page(days: list[str]) -> bytes:
    joined = ",\n".join(days)
    return f"""{{
  "object": "page",
  "data": [
{joined}
  ],
  "has_more": false,
  "next_page": null
}}""".encode()


def serve(lines: int, *, packed: bool) -> None:
    """Answer OpenAI's requests until the process is ended. Prints the port, and how large the answer is."""
    body, total = costs(lines)
    size = len(body)
    body = gzip.compress(body, 1) if packed else body
    nothing = _page([_bucket(day, "") for day in range(MONTH.days)])
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

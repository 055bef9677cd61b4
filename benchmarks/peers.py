"""200,000 lines of OpenAI's costs read four ways, side by side: processor seconds and peak memory of whole processes.

    python -m benchmarks.peers [lines] [--compact] [--without-peers]

- *ours* reads the source and keeps it in the archive, by the doors that the program uses itself (`read_source`,
  `open_archive(…).keep`): all fourteen requests of a month, the registry, the control total, records by day as Parquet,
  answers as compressed lines. Neither Prefect nor Notion is part of it.
- *plain Python* are thirty lines with exact decimals (`benchmarks/others/plain.py`): costs alone, sums by project,
  model and day.
- *orjson* parses the answers, rounds the amounts and throws all away: what reading them costs anybody.
- *dlt* loads the lines into DuckDB.

A process counts from its start to its end, imports included, with user and system time of all its threads: so other
work on the machine counts little, and what matters is the ratio within one run. The answers come from a server in a
process of its own, a page as large as its `limit` of days asks (7 by default, 31 at most, as OpenAI does it), in lines
and columns as OpenAI sets them; `--compact` leaves the white space out. The budget is twice the plain script's
processor time and 200 MiB.

The others have an environment of their own, made once from `benchmarks/others/requirements.txt` in the user's cache
folder. Where that can't be had, only what needs nothing is run.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

# Nothing large is imported here: what a process has in memory counts as a peak of those that it starts.

LINES = 200_000
RATIO, BYTES = 2.0, 200 * 2**20
"""The budget: processor time in terms of the plain script's, and peak memory."""
START, END = 1767225600, 1769904000
"""January 2026."""
_ROOT = Path(__file__).parent.parent
_OTHERS = Path(__file__).parent / "others"


@dataclass(frozen=True)
class Measured:
    """One process: processor seconds, peak memory in bytes, and what it printed."""

    name: str
    seconds: float
    peak: int
    printed: str


def serve(lines: int, *, compact: bool) -> None:
    """Answer OpenAI's requests until the process is ended. Prints the port, the answers' bytes and the sum in USD."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer  # noqa: PLC0415
    from urllib.parse import parse_qs, urlsplit  # noqa: PLC0415

    from benchmarks.openai_month import bucket, days_of_costs, days_of_total, page  # noqa: PLC0415

    def set_as_wanted(days: list[str]) -> list[str]:
        return [re.sub(r"(?<=[{}\[\],:\"0-9el])\s+(?=[{}\[\]\"0-9n-])", "", day) for day in days] if compact else days

    grouped, total = days_of_costs(lines)
    reports = {
        "costs": set_as_wanted(grouped),
        "total": set_as_wanted(days_of_total(total)),
        "usage": [bucket(day, "") for day in range(len(grouped))],
    }
    registry = json.dumps({"object": "list", "data": [], "has_more": False}).encode()

    def answer(address: str) -> bytes:
        parts = urlsplit(address)
        asked = parse_qs(parts.query)
        if "start_time" not in asked:
            return registry
        is_costs = parts.path.endswith("/costs")
        days = reports[("costs" if "group_by[]" in asked else "total") if is_costs else "usage"]
        limit, first = min(int(asked.get("limit", ["7"])[0]), 31), int(asked.get("page", ["0"])[0])
        last = first + limit
        return page(days[first:last], str(last) if last < len(days) else None)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = answer(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            # A page that is announced as too large is not heard to its end, but asked for in smaller ones.
            with suppress(ConnectionError):
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    size = sum(map(len, reports["costs"]))
    print(json.dumps({"port": server.server_port, "bytes": size, "total": f"{total:f}"}), flush=True)
    server.serve_forever()


def ours(address: str, folder: str) -> None:
    """Read the month and keep it. Prints the lines of which the cost is in the records, and their sum in USD."""
    import asyncio  # noqa: PLC0415
    import gc  # noqa: PLC0415

    from usage.machine.memory import importing  # noqa: PLC0415

    # As the program does it.
    with importing():
        from archive.files.answers import AnswerLog  # noqa: PLC0415
        from archive.opening import open_archive  # noqa: PLC0415
        from providers.reading import read_source  # noqa: PLC0415
        from usage.month import Month  # noqa: PLC0415
        from usage.settings import load_settings  # noqa: PLC0415

    settings = load_settings(
        {"OPENAI_ADMIN_KEY": "sk-admin-key", "OPENAI_ADMIN_BASE_URL": address, "LLM_USAGE_ARCHIVE": folder}, None
    )
    (source,), log, begun_at = settings.select(), AnswerLog(), settings.now()
    report = asyncio.run(read_source(settings, source, Month(2026, 1), listener=log.add, now=begun_at))
    archive = open_archive(settings)
    assert archive is not None
    entry = archive.keep(report, log, begun_at=begun_at, key_mark=settings.credential(source).mark)
    assert not report.missing, report.missing
    print(len(report.records), entry.cost_usd)
    # Nor does the program look for garbage when it ends.
    gc.freeze()


@contextmanager
def server(lines: int, *options: str) -> Iterator[tuple[str, int, str]]:
    """The server in a process of its own: its address, the bytes of all pages, and the sum in USD."""
    process = subprocess.Popen(  # noqa: S603  # our own module
        [sys.executable, "-m", "benchmarks.peers", "serve", str(lines), *options],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        yield f"http://127.0.0.1:{said['port']}/v1", said["bytes"], said["total"]
    finally:
        process.kill()
        process.wait()


def others() -> str | None:
    """The Python of the environment of the others; None where it can't be had."""
    wanted = (_OTHERS / "requirements.txt").read_bytes()
    mark = hashlib.sha256(wanted + sys.version.encode()).hexdigest()[:12]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / f"llm-usage/others-{mark}"
    python, stamp = folder / "bin" / "python", folder / "installed"
    if not stamp.is_file():
        print(f"Setting up {folder} …", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r"]
        done = subprocess.run([*pip, str(_OTHERS / "requirements.txt")], check=False)  # noqa: S603  # our own file
        if done.returncode:
            return None
        stamp.touch()
    return str(python)


def measure(name: str, command: Sequence[str]) -> Measured:
    """One process, from its start to its end."""
    with tempfile.TemporaryFile("w+") as printed:
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment = {**kept, "PYTHONPATH": str(_ROOT), "RUNTIME__DLTHUB_TELEMETRY": "false"}
        process = subprocess.Popen(command, cwd=_ROOT, stdout=printed, env=environment)  # noqa: S603  # see `run`
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        said = printed.read().strip()
    if process.returncode:
        raise SystemExit(f"{name} ended with {process.returncode}")
    # Kibibytes on Linux, bytes on macOS.
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Measured(name, used.ru_utime + used.ru_stime, peak, said)


def run(lines: int, options: Sequence[str], *, with_peers: bool) -> list[Measured]:
    """All of them, ours first and the plain script second; sums of those that are exact are the server's."""
    peers = others() if with_peers else None
    with server(lines, *options) as (address, size, total), tempfile.TemporaryDirectory() as folder:
        print(f"{lines} lines in {size / 1e6:.0f} MB")
        question = [address, str(START), str(END)]
        measured = [
            measure("ours", [sys.executable, "-m", "benchmarks.peers", "ours", address, folder]),
            measure("plain Python", [peers or sys.executable, str(_OTHERS / "plain.py"), *question]),
        ]
        for one in measured:
            assert one.printed.split()[1] == total, f"{one.name}: {one.printed}, not {total}"
        if peers is None:
            print(f"orjson and dlt are left out{': their environment could not be had' * with_peers}")
        else:
            measured.append(measure("orjson, parsing alone", [peers, str(_OTHERS / "parsing.py"), *question]))
            measured.append(measure("dlt to DuckDB", [peers, str(_OTHERS / "to_duckdb.py"), *question]))
        return measured


def main() -> int:
    """Print the table; 1 when the budget is missed."""
    options = [word for word in sys.argv[1:] if word == "--compact"]
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    measured = run(numbers[0] if numbers else LINES, options, with_peers="--without-peers" not in sys.argv)
    we, plain = measured[:2]
    print(f"{'':24}{'processor':>10}{'peak':>12}{'of plain':>10}")
    for one in measured:
        ratio = one.seconds / plain.seconds
        print(f"{one.name:24}{one.seconds:8.2f} s{one.peak / 2**20:8.0f} MiB{ratio:9.2f}x")
    kept = we.seconds <= RATIO * plain.seconds and we.peak <= BYTES
    print(f"budget of {RATIO:.0f}x and {BYTES / 2**20:.0f} MiB: {'kept' if kept else 'missed'}")
    return 0 if kept else 1


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", lines, *options]:
            serve(int(lines), compact="--compact" in options)
        case ["ours", address, folder]:
            ours(address, folder)
        case _:
            raise SystemExit(main())

"""PostgreSQL of a test's own: the programs that the machine has, a cluster in a temporary folder."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.ports import free_port
from tests.team.processes import Process


class MissingError(Exception):
    """What a team needs is not on this machine; says what."""


def find_postgres() -> Path:
    """The folder of PostgreSQL's programs: on the path, or where Debian has them.

    Raises:
        MissingError: They are not there, or this is not Linux.
    """
    if sys.platform != "linux":
        raise MissingError("the processes of a team are only held together on Linux")
    found = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found is None and not debian:
        raise MissingError("PostgreSQL is not installed (Debian's package is called postgresql)")
    return Path(found).resolve().parent if found else debian[-1].parent


@contextmanager
def postgres(programs: Path, folder: Path) -> Iterator[str]:
    """A cluster of its own; yields its address for Prefect."""
    # It refuses to run as root, and pytest's folders are closed to others.
    user = _other_user() if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="llm-usage-postgres-") as place:
        data, password, word = Path(place, "data"), Path(place, "password"), secrets.token_hex(16)
        password.write_text(word)
        if user is not None:
            for path in (password, Path(place)):
                os.chown(path, user.pw_uid, user.pw_gid)
        options = ("--username=prefect", f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8")
        subprocess.run(
            [programs / "initdb", "--no-sync", "--no-locale", *options, data],
            cwd=place,
            user=user and user.pw_uid,
            group=user and user.pw_gid,
            extra_groups=user and [],
            check=True,
            capture_output=True,
        )
        port = free_port()
        given = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        server = Process(
            [str(programs / "postgres"), "-D", str(data), *(f"--{name}={value}" for name, value in given.items())],
            {"PATH": os.environ["PATH"]},
            Path(place),
            folder / "postgres.log",
            user=user,
            # At once, but tidily: it takes its shared memory along.
            ask=signal.SIGQUIT,
        )
        try:
            server.wait_for(lambda: "ready" in _read(data / "postmaster.pid"), 30)
            yield f"postgresql+asyncpg://prefect:{word}@127.0.0.1:{port}/postgres"
        finally:
            server.end()


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise MissingError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""

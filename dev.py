"""Sets everything up in `.venv` and runs the demo or the tests: `python3 dev.py demo`, `python3 dev.py test`.

Needs Python 3.11 to 3.13 with pip, nothing else. What is installed is pinned with hashes in `requirements.lock`.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
# One more than there are cores: tests also wait, for servers and for the disk.
SIDE_BY_SIDE = [f"--numprocesses={CORES + 1}", "--dist=loadfile", "--no-loadscope-reorder"]
"""Tests on all cores, file by file, in the order of `tests/conftest.py`."""
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")


def set_up() -> None:
    """Create `.venv` and install what the lock file says, unless that has been done."""
    wanted = hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    stamp = VENV / "installed"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise SystemExit(f"Python 3.11, 3.12 or 3.13 is needed; this is {sys.version.split()[0]}")
    print("Setting up .venv (a minute or two, once) …", file=sys.stderr)
    venv.create(VENV, with_pip=True, clear=VENV.exists())
    pip = [str(PYTHON), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    # Wheels alone: to build a package is to run its code, and what it fetches for that is not in the lock file.
    run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK)])
    # The build backend is in the lock file, too: nothing unpinned is fetched.
    run([*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)])
    stamp.write_text(wanted)


def test(arguments: list[str]) -> None:
    """Style, types, tests."""
    run([str(PYTHON), "-m", "ruff", "check", "."])
    run([str(PYTHON), "-m", "ruff", "format", "--check", "."])
    run([str(PYTHON), "-m", "mypy"])
    run([str(PYTHON), "-m", "pytest", *SIDE_BY_SIDE, *arguments])


def run(command: list[str]) -> None:
    """Run a command in the project's folder and end with its status when it fails."""
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    if status:
        raise SystemExit(status)


def main() -> None:
    """One of the two jobs."""
    job, *arguments = sys.argv[1:] or [""]
    if job not in ("demo", "test"):
        raise SystemExit("usage: python3 dev.py demo | test [pytest arguments]")
    set_up()
    if job == "test":
        test(arguments)
    else:
        # In place of this process, so that Ctrl-C reaches the demo alone.
        os.chdir(ROOT)
        os.execv(PYTHON, [str(PYTHON), "-m", "cli.main", "demo", *arguments])


if __name__ == "__main__":
    main()

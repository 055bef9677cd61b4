"""Processes that end with whoever started them, however that one ends, and take along all that they started.

Each runs under a guard, a small process that watches a pipe which only lives as long as its owner does. When the pipe
closes, the guard ends its command and all that is below it: a Prefect worker gives each run a session of its own, where
a signal to a process group would not find it. Works on Linux alone.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn, TypeVar

_PATIENCE: Final = 5.0
"""Seconds that a command has to end when it is asked to."""
_SUBREAPER: Final = 36
"""`PR_SET_CHILD_SUBREAPER`: processes whose parent has ended become ours, not those of process 1."""


class Process:
    """A command that runs until `end`, or until this process is gone.

    Args:
        command: Program and arguments.
        environment: All of its environment.
        folder: Its current folder.
        log: File for all that it says.
        user: Whom it runs as; None for the present user.
        ask: Signal that asks it to end. SIGKILL: it is ended as when somebody pulls the plug.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        log: Path,
        *,
        user: pwd.struct_passwd | None = None,
        ask: signal.Signals = signal.SIGKILL,
    ) -> None:
        self._command, self._log = command[0], log
        who = f"{user.pw_uid}:{user.pw_gid}" if user is not None else ""
        with log.open("ab") as output:
            self._guard = subprocess.Popen(
                [sys.executable, "-SE", __file__, who, str(int(ask)), *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=dict(environment),
                cwd=folder,
                # Ctrl-C on a terminal is for the tests, which then let go of the pipe.
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        """Whether the command has not ended."""
        return self._guard.poll() is None

    def end(self) -> None:
        """End it and all that it started, and wait for that. Can be repeated."""
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        self._guard.wait(_PATIENCE * 4)

    def pause(self) -> None:
        """Let the command itself take no step until `go_on`; what it has started goes on."""
        os.kill(self._pid(), signal.SIGSTOP)

    def go_on(self) -> None:
        """Undo `pause`."""
        os.kill(self._pid(), signal.SIGCONT)

    def _pid(self) -> int:
        # The guard takes in what loses its parent, but nothing that is older than its command.
        parents = _parents()
        return min(pid for pid, parent in parents.items() if parent == self._guard.pid)

    def said(self) -> str:
        """The end of what it has said, for a message."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-4000:]

    def wait_for(self, ready: Callable[[], bool], within: float) -> None:
        """Wait until it is ready.

        Raises:
            RuntimeError: It has ended, or took longer than `within` seconds; with what it said.
        """

        def ended_or_ready() -> bool:
            if not self.is_running:
                raise RuntimeError(f"{self._command} has ended:\n{self.said()}")
            return ready()

        try:
            until(ended_or_ready, within)
        except TimeoutError:
            raise RuntimeError(f"{self._command} was not ready within {within:.0f} s:\n{self.said()}") from None


_Seen = TypeVar("_Seen")


def until(look: Callable[[], _Seen], within: float) -> _Seen:
    """Look ten times a second until there is something to see, and return it.

    Raises:
        TimeoutError: There was nothing for `within` seconds.
    """
    limit = time.monotonic() + within
    while not (seen := look()):
        if time.monotonic() > limit:
            raise TimeoutError(f"nothing to see within {within:.0f} s")
        time.sleep(0.1)
    return seen


def guard(who: str, ask: signal.Signals, command: Sequence[str]) -> NoReturn:
    """Run a command until it ends or standard input does, and leave with its exit status.

    Args:
        who: Numbers of user and group, `100:100`; empty for the present ones.
        ask: Signal that asks it to end.
        command: Program and arguments.
    """
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    user, group = map(int, who.split(":")) if who else (None, None)
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, user=user, group=group, extra_groups=None if user is None else []
    )

    def watch() -> None:
        while os.read(0, 1):
            continue
        with suppress(ProcessLookupError):
            child.send_signal(ask)
        with suppress(subprocess.TimeoutExpired):
            child.wait(_PATIENCE)
        _end_all()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    status = child.wait()
    _end_all()
    os._exit(status)


def _end_all() -> None:
    """End all descendants. What an ended process leaves behind becomes ours, so this is over when we have no child."""
    while children := _descendants():
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        time.sleep(0.005)


def _descendants() -> list[int]:
    """All processes below this one that have not ended."""
    parents, found, below = _parents(), set[int](), {os.getpid()}
    while below:
        below = {pid for pid, parent in parents.items() if parent in below} - found
        found |= below
    return sorted(found)


def _parents() -> dict[int, int]:
    """The parent of every process that has not ended."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name in brackets may hold anything.
            state, parent = stat.read_text(errors="replace").rpartition(") ")[2].split()[:2]
            if state != "Z":
                parents[int(stat.parent.name)] = int(parent)
    return parents


if __name__ == "__main__":
    guard(sys.argv[1], signal.Signals(int(sys.argv[2])), sys.argv[3:])

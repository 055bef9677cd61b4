"""Ctrl-C and its kind: the program ends within a second or two, whatever it is doing, and leaves nothing behind.

Python's own way is an exception in the main thread. It comes late while the main thread waits in foreign code, Prefect
replaces the handler while a flow runs, and the way out then leads through pools that wait for their threads, which may
wait for a provider. So the signals are blocked in all threads but one, which waits for them and ends the process.
Nothing is lost by that: what is written to Notion stays, and the next collection completes it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

from usage.language.reader import phrase

Cleanup = Callable[[], None]

STATUSES: Final = {
    name: 128 + number for name, number in (("SIGINT", 2), ("SIGTERM", 15), ("SIGHUP", 1)) if hasattr(signal, name)
}
"""Exit status by signal, as a shell counts it: 130, 143, 129."""

_PATIENCE: Final = 2.0
"""Seconds that all tidying up may take together."""

_cleanups: list[Cleanup] = []
_is_ending = threading.Event()


@contextmanager
def if_stopped(cleanup: Cleanup) -> Iterator[None]:
    """Have `cleanup` called when a signal ends the program while the block runs; the last one comes first.

    It runs beside the main thread, which goes on until the process ends.
    """
    _cleanups.append(cleanup)
    try:
        yield
    finally:
        _cleanups.remove(cleanup)


def watch_signals() -> None:
    """From now on, a signal ends the program. To be called once, before any other thread is started."""
    watched = [getattr(signal, name) for name in STATUSES]
    if sys.platform == "win32":
        for number in watched:
            signal.signal(number, lambda number, _frame: _end(number))
        return
    # With `nohup` the end of the terminal is ignored, and stays so.
    watched = [n for n in watched if n is not signal.SIGHUP or signal.getsignal(n) is not signal.SIG_IGN]
    for number in watched:
        # A shell starts what is put in the background with Ctrl-C ignored, and what is ignored can't be waited for.
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    threading.Thread(target=lambda: _end(signal.sigwait(watched)), name="signals", daemon=True).start()


def let_signals_through() -> None:
    """Undo in a child process what it has inherited."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [getattr(signal, name) for name in STATUSES])


def give_way() -> None:
    """Wait for the end where a signal is ending the program. To be called last.

    The main thread may be out before everything is tidied up, by an error over what has gone: the exit status would be
    that of the error.
    """
    if _is_ending.is_set():
        threading.Event().wait(2 * _PATIENCE)


def _end(number: int) -> NoReturn:
    _is_ending.set()
    name = signal.Signals(number).name
    how = "Ctrl-C" if name == "SIGINT" else name
    told = phrase("stopped ({how}). What is written stays; running it again completes what is missing.", how=how)
    _write(f"llm-usage: {told}\n")
    _silence()
    tidying = threading.Thread(target=_tidy_up, daemon=True)
    tidying.start()
    tidying.join(_PATIENCE)
    os._exit(STATUSES[name])


def _tidy_up() -> None:
    for cleanup in reversed(list(_cleanups)):
        cleanup()


def _write(text: str) -> None:
    # Not through `sys.stderr`: the main thread may hold its lock.
    is_terminal = os.isatty(2)
    try:
        # The progress display hides the cursor.
        os.write(2, (("\r\x1b[K\x1b[?25h" if is_terminal else "") + text).encode())
    except OSError:
        # The terminal is gone: there is nobody to tell.
        return


def _silence() -> None:
    """What the other threads say while the ground is taken from under them is of no use to anybody."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)


def exit_quietly(status: int) -> NoReturn:
    """Leave after the reader of our output has gone (`llm-usage status | head`): Python would complain at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)

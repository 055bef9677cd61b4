"""Imports Prefect and a flow beside the main thread: that takes a second, in which Notion can answer."""

from __future__ import annotations

from importlib import import_module
from threading import Thread
from typing import Self

from cli.prefect_server.settings import import_prefect
from usage.machine.memory import importing


class Importing:
    """Begins at once, and is waited for at the end of a block.

    Args:
        module: The flow's.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._error: BaseException | None = None
        self._thread = Thread(target=self._import, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait for it.

        Raises:
            SettingsError: Prefect's settings can't be used.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for it, whatever comes of it: Python does not like to end in the middle of an import."""
        self._thread.join()

    def _import(self) -> None:
        try:
            with importing():
                import_prefect()
                import_module(self._module)
        except BaseException as error:  # noqa: BLE001  # raised by `wait`, in the thread that waits for it
            self._error = error

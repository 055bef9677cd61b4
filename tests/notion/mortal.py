"""A connection to Notion that dies after so many requests, as a program does that is killed."""

from __future__ import annotations

from notion.client.pace import Pace


class Died(BaseException):
    """The program ended here."""


class Mortal(Pace):
    """Lets `left` requests through."""

    def __init__(self) -> None:
        super().__init__("test", 60_000)
        self.left = 0

    def wait(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Died

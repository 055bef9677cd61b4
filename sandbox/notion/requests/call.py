"""One request as the handlers see it: authorised, of a known version, its body decoded."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sandbox.notion.errors import Json, malformed
from sandbox.notion.stored.ids import read_uuid
from sandbox.notion.stored.workspace import Workspace
from sandbox.notion.switches import Switches

TRASH_VERSION: Final = "2026-03-11"
"""The version that knows `in_trash` only; before it, `archived` means the same."""
VERSIONS: Final = ("2025-09-03", TRASH_VERSION)
OLD_VERSIONS: Final = ("2021-05-11", "2021-05-13", "2021-08-16", "2022-02-22", "2022-06-28")


@dataclass(frozen=True)
class Upload:
    """A file from a multipart body, and the fields beside it."""

    content: bytes
    content_type: str
    fields: dict[str, str]


@dataclass(frozen=True)
class Call:
    """A request."""

    workspace: Workspace
    switches: Switches
    version: str
    params: dict[str, str]
    query: list[tuple[str, str]]
    body: Json
    origin: str
    """Address of the stand-in, without a slash at the end."""
    upload: Upload | None = None

    @property
    def by(self) -> str:
        """The user who asks: the connection."""
        return self.workspace.bot_id

    def id(self, name: str) -> str:
        """An id in the path, dashed."""
        return read_uuid(self.params[name], name, part="path")

    def one(self, name: str) -> str | None:
        """A query parameter; the last one when it is repeated."""
        return next((value for key, value in reversed(self.query) if key == name), None)

    def all(self, name: str) -> list[str]:
        """A repeated query parameter, in either form: `name` or `name[]`."""
        return [value for key, value in self.query if key in (name, f"{name}[]")]

    def closed(self, allowed: Collection[str]) -> Json:
        """The body, of an endpoint that refuses keys it does not know.

        Raises:
            Refusal: 400 naming the first such key. From 2026-03-11 on, `archived` is one.
        """
        for key, value in self.body.items():
            if key not in allowed or (key == "archived" and self.version >= TRASH_VERSION):
                raise malformed(key, "not present", value)
        return self.body

    def flag(self, name: str, before: bool) -> bool:
        """A boolean of the body; `before` when it is absent.

        Raises:
            Refusal: 400 when it is no boolean.
        """
        value = self.body.get(name, before)
        if not isinstance(value, bool):
            raise malformed(name, "a boolean", value)
        return value

    def trash_wish(self) -> bool | None:
        """What the body says about the trash; None when it says nothing.

        Raises:
            Refusal: 400 when it is no boolean.
        """
        names = ("in_trash",) if self.version >= TRASH_VERSION else ("in_trash", "archived")
        for name in names:
            value: Any = self.body.get(name)
            if value is None:
                continue
            if not isinstance(value, bool):
                raise malformed(name, "a boolean", value)
            return value
        return None

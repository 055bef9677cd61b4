"""Icons and covers: checked, then kept as answers show them."""

from __future__ import annotations

from typing import Any, Final

from sandbox.notion.errors import Json, malformed, missing
from sandbox.notion.requests.call import Call
from sandbox.notion.stored.ids import read_uuid

_ICONS: Final = ("emoji", "external", "file_upload", "custom_emoji", "icon")
_COVERS: Final = ("external", "file_upload")


def read_icon(value: Any, call: Call) -> Json | None:
    """An icon from a request.

    Raises:
        Refusal: 400 for another form; 404 for an unknown upload.
    """
    return _read(value, "icon", _ICONS, call)


def read_cover(value: Any, call: Call) -> Json | None:
    """A cover from a request.

    Raises:
        Refusal: 400 for another form; 404 for an unknown upload.
    """
    return _read(value, "cover", _COVERS, call)


def _read(value: Any, path: str, kinds: tuple[str, ...], call: Call) -> Json | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise malformed(path, "an object", value)
    kind = next((known for known in kinds if known in value), None)
    if kind is None:
        raise missing(f"{path}.{kinds[0]}")
    body = value[kind]
    if kind == "emoji":
        if not isinstance(body, str):
            raise malformed(f"{path}.emoji", "a string", body)
    elif not isinstance(body, dict):
        raise malformed(f"{path}.{kind}", "an object", body)
    elif kind == "file_upload":
        key = read_uuid(body.get("id"), f"{path}.file_upload.id")
        if key not in call.workspace.uploads:
            raise call.workspace.missing("file_upload", key)
        url = f"https://files.notion.example/{key}"
        return {"type": "file", "file": {"url": url, "expiry_time": "2100-01-01T00:00:00.000Z"}}
    return {"type": kind, kind: body}

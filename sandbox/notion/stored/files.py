"""Files in cells and blocks: an upload of ours, or an address elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sandbox.notion.errors import Json, invalid, malformed, missing
from sandbox.notion.stored.contents import Attachment
from sandbox.notion.stored.dates import show_minute
from sandbox.notion.stored.ids import read_uuid
from sandbox.notion.stored.workspace import Workspace


def read_file(workspace: Workspace, item: Any, path: str) -> Attachment:
    """A file as a request names it. An upload counts as attached only once the request has been carried out.

    Raises:
        Refusal: 400 or 404: an upload that is unknown, not sent yet, or too old.
    """
    if not isinstance(item, dict):
        raise malformed(path, "an object", item)
    if isinstance(item.get("external"), dict):
        url, name = item["external"].get("url"), item.get("name")
        if not isinstance(url, str) or not isinstance(name, str):
            raise missing(f"{path}.name")
        return Attachment(name, url=url)
    if not isinstance(item.get("file_upload"), dict):
        raise missing(f"{path}.file_upload")
    key = read_uuid(item["file_upload"].get("id"), f"{path}.file_upload.id")
    upload = workspace.uploads.get(key)
    if upload is None:
        raise workspace.missing("file_upload", key)
    if not upload.uploaded:
        raise invalid(f"File upload {key} has not been uploaded.")
    if not upload.attached and workspace.now() > upload.expires:
        raise invalid(f"File upload {key} has expired.")
    return Attachment(item.get("name") or upload.filename or "file", upload_id=key)


def show_file(workspace: Workspace, attachment: Attachment) -> Json:
    """A file as answers show it."""
    if attachment.url is not None:
        return {"name": attachment.name, "type": "external", "external": {"url": attachment.url}}
    # The signature changes at each reading, so that nobody compares these addresses.
    url = f"https://files.notion.example/{attachment.upload_id}/{attachment.name}?signature={workspace.ids.uuid()}"
    expires = show_minute(workspace.now() + timedelta(hours=1))
    return {"name": attachment.name, "type": "file", "file": {"url": url, "expiry_time": expires}}

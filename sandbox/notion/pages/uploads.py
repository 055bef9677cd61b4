"""File uploads: announced, sent, and attached to a page within the hour."""

from __future__ import annotations

import mimetypes
from datetime import timedelta
from typing import Final

from sandbox.notion.errors import Json, invalid, malformed, missing, optional_text
from sandbox.notion.requests.call import Call
from sandbox.notion.stored.dates import show_minute
from sandbox.notion.stored.records import UploadRecord

_SINGLE_PART: Final = 20 * 1024 * 1024
_FILENAME: Final = 900


def create(call: Call) -> Json:
    """`POST /v1/file_uploads`. Importing from an address is refused: nothing here reaches out."""
    workspace, body = call.workspace, call.body
    if (mode := body.get("mode") or "single_part") != "single_part":
        raise malformed("mode", '`"single_part"`', mode)
    name, kind = body.get("filename"), optional_text(body.get("content_type"), "content_type")
    if name is not None and (not isinstance(name, str) or len(name.encode(errors="surrogatepass")) > _FILENAME):
        raise malformed("filename", f"a string of at most {_FILENAME} bytes", name)
    upload = UploadRecord(
        id=workspace.ids.uuid(),
        stamp=workspace.stamp(call.by),
        expires=workspace.now() + timedelta(hours=1),
        filename=name,
        content_type=kind or (mimetypes.guess_type(name)[0] if name else None),
    )
    workspace.uploads[upload.id] = upload
    return _show(call, upload)


def send(call: Call) -> Json:
    """`POST /v1/file_uploads/{id}/send`, multipart with a field `file`."""
    upload, sent = _found(call), call.upload
    if sent is None:
        raise missing("file")
    if upload.uploaded or _expired(call, upload):
        raise invalid(f"File upload {upload.id} is not pending.")
    if len(sent.content) > _SINGLE_PART:
        raise invalid(f"A single part may have {_SINGLE_PART} bytes, this one has {len(sent.content)}.")
    limit = call.switches.upload_limit
    if len(sent.content) > limit:
        raise invalid(f"The file exceeds the workspace's limit of {limit} bytes.")
    upload.content, upload.uploaded = sent.content, True
    upload.content_type = upload.content_type or sent.content_type
    return _show(call, upload)


def retrieve(call: Call) -> Json:
    """`GET /v1/file_uploads/{id}`."""
    return _show(call, _found(call))


def _found(call: Call) -> UploadRecord:
    key = call.id("file_upload_id")
    if key not in call.workspace.uploads:
        raise call.workspace.missing("file_upload", key)
    return call.workspace.uploads[key]


def _expired(call: Call, upload: UploadRecord) -> bool:
    return not upload.attached and call.workspace.now() > upload.expires


def _status(call: Call, upload: UploadRecord) -> str:
    if _expired(call, upload):
        return "expired"
    return "uploaded" if upload.uploaded else "pending"


def _show(call: Call, upload: UploadRecord) -> Json:
    answer: Json = {
        "object": "file_upload",
        "id": upload.id,
        "created_time": show_minute(upload.stamp.created),
        "created_by": {"id": upload.stamp.created_by, "type": "bot"},
        "last_edited_time": show_minute(upload.stamp.edited),
        "expiry_time": None if upload.attached else show_minute(upload.expires),
        "in_trash": False,
        "status": _status(call, upload),
        "filename": upload.filename,
        "content_type": upload.content_type,
        "content_length": len(upload.content) if upload.uploaded else None,
    }
    if not upload.uploaded:
        answer["upload_url"] = f"{call.origin}/v1/file_uploads/{upload.id}/send"
    return answer

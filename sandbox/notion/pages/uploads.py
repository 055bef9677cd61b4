"""File uploads: announced, sent, and attached to a page within the hour."""

from __future__ import annotations

import mimetypes
from datetime import timedelta
from typing import Final

from sandbox.notion.errors import Json, invalid, malformed, missing, optional_text
from sandbox.notion.requests.call import Call
from sandbox.notion.requests.paging import listing, page_of, read_size
from sandbox.notion.stored.dates import show_minute
from sandbox.notion.stored.records import UploadRecord

_SINGLE_PART: Final = 20 * 1024 * 1024
_FILENAME: Final = 900
_MODES: Final = ("single_part", "multi_part")


def create(call: Call) -> Json:
    """`POST /v1/file_uploads`. Importing from an address is refused: nothing here reaches out."""
    workspace, body = call.workspace, call.body
    mode = body.get("mode") or "single_part"
    if mode not in _MODES:
        raise malformed("mode", '`"single_part"` or `"multi_part"`', mode)
    name, kind = body.get("filename"), optional_text(body.get("content_type"), "content_type")
    if name is not None and (not isinstance(name, str) or len(name.encode(errors="surrogatepass")) > _FILENAME):
        raise malformed("filename", f"a string of at most {_FILENAME} bytes", name)
    parts = body.get("number_of_parts")
    if mode == "multi_part" and (name is None or not isinstance(parts, int) or not 1 <= parts <= 10_000):
        raise missing("filename") if name is None else malformed("number_of_parts", "a number from 1 to 10000", parts)
    upload = UploadRecord(
        id=workspace.ids.uuid(),
        stamp=workspace.stamp(call.by),
        expires=workspace.now() + timedelta(hours=1),
        filename=name,
        content_type=kind or (mimetypes.guess_type(name)[0] if name else None),
        parts_wanted=parts if mode == "multi_part" else None,
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
    number = 1
    if upload.parts_wanted is not None:
        text = sent.fields.get("part_number", "")
        number = int(text) if text.isdecimal() else 0
        if not 1 <= number <= upload.parts_wanted:
            raise malformed("part_number", f"a number from 1 to {upload.parts_wanted}", text)
    elif len(sent.content) > _SINGLE_PART:
        raise invalid(f"A single part may have {_SINGLE_PART} bytes, this one has {len(sent.content)}.")
    limit = call.switches.upload_limit
    if len(upload.content) + len(sent.content) > limit:
        raise invalid(f"The file exceeds the workspace's limit of {limit} bytes.")
    upload.parts[number] = sent.content
    upload.content_type = upload.content_type or sent.content_type
    upload.uploaded = upload.parts_wanted is None
    return _show(call, upload)


def complete(call: Call) -> Json:
    """`POST /v1/file_uploads/{id}/complete`, after the last of several parts."""
    upload = _found(call)
    if upload.parts_wanted is None or upload.uploaded or len(upload.parts) != upload.parts_wanted:
        raise invalid(f"File upload {upload.id} cannot be completed.")
    upload.uploaded = True
    return _show(call, upload)


def retrieve(call: Call) -> Json:
    """`GET /v1/file_uploads/{id}`."""
    return _show(call, _found(call))


def list_all(call: Call) -> Json:
    """`GET /v1/file_uploads`."""
    status = call.one("status")
    part = listing(
        call.workspace,
        {"uploads": status},
        cursor=call.one("start_cursor"),
        size=read_size(call.one("page_size"), part="query"),
        ids=lambda: [
            one.id for one in call.workspace.uploads.values() if status is None or _status(call, one) == status
        ],
    )
    return page_of("file_upload", [_show(call, call.workspace.uploads[key]) for key in part.ids], part)


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
    if upload.parts_wanted is not None:
        answer["number_of_parts"] = {"total": upload.parts_wanted, "sent": len(upload.parts)}
    return answer

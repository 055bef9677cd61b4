"""Reading a multipart form with one file."""

from __future__ import annotations

from email.message import Message
from email.parser import BytesParser

from sandbox.notion.errors import invalid
from sandbox.notion.requests.call import Upload


def read_upload(content_type: str, body: bytes) -> Upload | None:
    """The file in the field `file` and the other fields; None when there is no such file.

    Raises:
        Refusal: 400 when the body is no multipart form.
    """
    # A multipart form is a mail body without its head.
    message = BytesParser().parsebytes(b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body)
    parts = message.get_payload()
    if not message.is_multipart() or not isinstance(parts, list):
        raise invalid("body failed validation: body should be a multipart form.")
    fields: dict[str, str] = {}
    upload: tuple[bytes, str] | None = None
    for part in parts:
        if not isinstance(part, Message):
            continue
        name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if not isinstance(content, bytes):
            continue
        if name == "file":
            upload = (content, part.get_content_type())
        else:
            fields[str(name)] = content.decode()
    return None if upload is None else Upload(upload[0], upload[1], fields)

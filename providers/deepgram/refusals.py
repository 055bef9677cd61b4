"""How Deepgram says no: plain text, `err_code` with `err_msg`, or `category` with `message`.

A 401 is not always a wrong key: a good key without the scope gets one as well, so the body decides.
"""

from __future__ import annotations

import json

from providers.deepgram.endpoints import PROJECTS, scope_of
from providers.http import Answer
from usage.errors import CredentialError, SourceError


def explain(answer: Answer) -> SourceError | None:
    """Deepgram's own reading of a refusal; None where the common rules do."""
    status = answer.status
    if status not in (401, 403, 404):
        return None
    said = _words(answer.content)
    if status != 404 and ("INSUFFICIENT_PERMISSIONS" in said or "sufficient permissions" in said):
        return CredentialError(
            f"Deepgram refuse cette lecture à la clé (HTTP {status}) : il lui manque le droit {scope_of(answer.path)}. "
            "Créez dans ce projet une clé de rôle admin.",
            status=status,
        )
    if "PROJECT_NOT_FOUND" in said or ("UNAUTHORIZED" in said and answer.path != PROJECTS):
        return CredentialError(
            f"Deepgram refuse ce projet à la clé (HTTP {status}) : il faut une clé créée dans ce projet.", status=status
        )
    if "INVALID_AUTH" in said or "UNAUTHORIZED" in said:
        return CredentialError(
            f"Deepgram ne reconnaît pas la clé (HTTP {status}) : vérifiez qu’elle est entière et existe encore.",
            status=status,
        )
    return None


def _words(content: bytes) -> str:
    """The code and the message of a refusal, in whichever of its shapes. The content type is not a reliable hint."""
    text = content.decode(errors="replace")
    try:
        body = json.loads(text)
    except ValueError:
        return text
    if not isinstance(body, dict):
        return text
    return " ".join(str(body.get(field, "")) for field in ("err_code", "err_msg", "category", "message"))

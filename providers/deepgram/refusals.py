"""How Deepgram says no: plain text, `err_code` with `err_msg`, or `category` with `message`.

A 401 is not always a wrong key: a good key without the scope gets one as well, so the body decides.
"""

from __future__ import annotations

from providers.deepgram.endpoints import PROJECTS, scope_of
from providers.shared.answers import Answer
from usage.errors import CredentialError, SourceError
from usage.peers.bodies import UnreadableError, decode


def explain(answer: Answer) -> SourceError | None:
    """Deepgram's own reading of a refusal; None where the common rules do."""
    if answer.status not in (401, 403, 404):
        return None
    sentence = _sentence(answer, _words(answer.content))
    return CredentialError(sentence, status=answer.status) if sentence else None


def _sentence(answer: Answer, said: str) -> str:
    http = f"(HTTP {answer.status})"
    if answer.status != 404 and ("INSUFFICIENT_PERMISSIONS" in said or "sufficient permissions" in said):
        return (
            f"Deepgram refuse cette lecture à la clé {http} : il lui manque le droit {scope_of(answer.path)}. "
            "Créez dans ce projet une clé de rôle admin."
        )
    if "PROJECT_NOT_FOUND" in said or ("UNAUTHORIZED" in said and answer.path != PROJECTS):
        return f"Deepgram refuse ce projet à la clé {http} : il faut une clé créée dans ce projet."
    if answer.status == 404:
        return ""
    if answer.path != PROJECTS:
        # The same key has read the list of projects before.
        return (
            f"Deepgram refuse cette lecture à la clé {http}, qui lit pourtant la liste des projets : vérifiez son "
            f"droit {scope_of(answer.path)} et qu’elle existe encore."
        )
    if "INVALID_AUTH" in said or "UNAUTHORIZED" in said:
        return f"Deepgram ne reconnaît pas la clé {http} : vérifiez qu’elle est entière et existe encore."
    return ""


def _words(content: bytes) -> str:
    """The code and the message of a refusal, in whichever of its shapes. The content type is not a reliable hint."""
    text = content.decode(errors="replace")
    try:
        body = decode(content)
    except UnreadableError:
        return text
    if not isinstance(body, dict):
        return text
    return " ".join(str(body.get(field, "")) for field in ("err_code", "err_msg", "category", "message"))

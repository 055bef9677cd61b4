"""How ElevenLabs says no. The words under `detail` come before the status: a wrong key was seen with 400, a missing
permission with 401, and how days billed by cost are refused is not published."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum, auto
from typing import Final

from providers.elevenlabs.endpoints import PERMISSIONS
from providers.http import PATIENCE, Answer, retry_after
from usage.errors import (
    ContractError,
    CredentialError,
    NotOfferedError,
    RefusedError,
    SourceError,
    TransientError,
)


class _Meaning(Enum):
    SCOPE = auto()
    KEY = auto()
    BUSY = auto()
    ABSENT = auto()
    REFUSED = auto()


_WORDS: Final = {
    "missing_permissions": _Meaning.SCOPE,
    "insufficient_permissions": _Meaning.SCOPE,
    "authorization_error": _Meaning.SCOPE,
    "invalid_api_key": _Meaning.KEY,
    "needs_authorization": _Meaning.KEY,
    "authentication_error": _Meaning.KEY,
    "rate_limit_error": _Meaning.BUSY,
    "rate_limit_exceeded": _Meaning.BUSY,
    "concurrent_limit_exceeded": _Meaning.BUSY,
    "system_busy": _Meaning.BUSY,
    "internal_error": _Meaning.BUSY,
    "service_unavailable": _Meaning.BUSY,
    "not_found": _Meaning.ABSENT,
    "validation_error": _Meaning.REFUSED,
    "invalid_request": _Meaning.REFUSED,
    "payment_required": _Meaning.REFUSED,
}
_BY_STATUS: Final = {401: _Meaning.KEY, 403: _Meaning.SCOPE, 410: _Meaning.REFUSED}
"""Without a word that is known. There are no cursors here that 410 could call stale."""


def explain(answer: Answer) -> SourceError | None:
    """The error that an answer stands for; None leaves it to the rules common to all providers."""
    meaning = _meaning(answer)
    path, status = answer.path, answer.status
    if meaning is _Meaning.KEY:
        return CredentialError(
            f"ElevenLabs refuse la clé sur {path} (HTTP {status}) : il faut une clé valide de cet espace de travail, "
            "et l’adresse de sa région dans ELEVENLABS_BASE_URL.",
            status=status,
        )
    if meaning is _Meaning.SCOPE:
        permission = next((name for of, name in PERMISSIONS if of == path), None)
        needed = f"donnez-lui le droit {permission}" if permission else "donnez-lui le droit de lecture"
        return CredentialError(
            f"La clé ElevenLabs ne peut pas lire {path} (HTTP {status}) : {needed}, d’un administrateur de l’espace.",
            status=status,
        )
    if meaning is _Meaning.BUSY:
        return _busy(answer)
    if meaning is _Meaning.ABSENT:
        return NotOfferedError(f"{path} n’existe pas pour ce compte (HTTP {status}).", status=status)
    if meaning is _Meaning.REFUSED:
        return RefusedError(f"{path} refuse la demande (HTTP {status}).", status=status)
    return None


def _meaning(answer: Answer) -> _Meaning | None:
    known = [_WORDS[word] for word in _words(answer) if word in _WORDS]
    if _Meaning.SCOPE in known:
        # A missing permission comes under the type of a wrong key.
        return _Meaning.SCOPE
    return known[0] if known else _BY_STATUS.get(answer.status)


def _words(answer: Answer) -> list[str]:
    """Type, code and status, as far as they are there: bodies come in four shapes."""
    try:
        body = answer.json()
    except ContractError:
        # Not JSON: then only the HTTP status speaks.
        return []
    detail = body.get("detail") if isinstance(body, dict) else None
    if not isinstance(detail, dict):
        return []
    words = (detail.get(name) for name in ("type", "code", "status"))
    return [word.lower() for word in words if isinstance(word, str)]


def _busy(answer: Answer) -> TransientError | None:
    if answer.status == 429 or answer.status >= 500:
        return None
    asked = retry_after(answer.headers, datetime.now(UTC))
    return TransientError(
        f"{answer.path} est occupé ou limite les demandes (HTTP {answer.status}).",
        status=answer.status,
        retry_after=asked,
        final=asked is not None and asked > PATIENCE,
    )

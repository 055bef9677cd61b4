"""How ElevenLabs says no. The words under `detail` come before the status: a wrong key was seen with 400, a missing
permission with 401, and how days billed by cost are refused is not published."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Final

from providers.elevenlabs.endpoints import PERMISSIONS
from providers.shared.answers import Answer
from providers.shared.http import retry_after
from providers.shared.patience import PATIENCE
from usage.errors import (
    ContractError,
    CredentialError,
    NotOfferedError,
    RefusedError,
    SourceError,
    TransientError,
    UnavailableError,
)

NOT_SERVED: Final = (RefusedError, UnavailableError)
"""What a report may answer for days that are not its own, or where a workspace does not have it."""


class _Meaning(Enum):
    SCOPE = auto()
    KEY = auto()
    BUSY = auto()
    ABSENT = auto()
    REFUSED = auto()
    USED_UP = auto()
    OTHER = auto()


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
    "quota_exceeded": _Meaning.USED_UP,
}
_BY_STATUS: Final = {401: _Meaning.KEY, 403: _Meaning.SCOPE, 410: _Meaning.REFUSED}
"""Without a word that is known. There are no cursors here that 410 could call stale."""


def explain(answer: Answer) -> SourceError | None:
    """The error that an answer stands for; None leaves it to the rules common to all providers."""
    meaning = _meaning(answer)
    if meaning is _Meaning.BUSY:
        return _busy(answer)
    if meaning is _Meaning.ABSENT:
        return NotOfferedError(
            f"{answer.path} n’existe pas pour ce compte (HTTP {answer.status}).", status=answer.status
        )
    if meaning is _Meaning.REFUSED:
        return RefusedError(f"{answer.path} refuse la demande (HTTP {answer.status}).", status=answer.status)
    return _about_the_key(answer, meaning) if meaning else None


def _about_the_key(answer: Answer, meaning: _Meaning) -> SourceError:
    path, status, code = answer.path, answer.status, _code(answer)
    if meaning is _Meaning.USED_UP:
        # Seen with 401. What is refused so is not taken for days that another report has.
        return TransientError(
            f"ElevenLabs refuse {path} (HTTP {status}, {code}) : le quota de crédits est épuisé ; la clé n’est pas en "
            "cause. Relancez quand il est renouvelé, ou relevez la limite de la clé.",
            status=status,
            final=True,
        )
    if meaning is _Meaning.SCOPE:
        permission = next((name for of, name in PERMISSIONS if of == path), None)
        needed = f"donnez-lui le droit {permission}" if permission else "donnez-lui le droit de lecture"
        sentence = (
            f"La clé ElevenLabs ne peut pas lire {path} (HTTP {status}) : {needed}, d’un administrateur de l’espace."
        )
    elif meaning is _Meaning.KEY:
        sentence = (
            f"ElevenLabs refuse la clé sur {path} (HTTP {status}) : il faut une clé valide de cet espace de travail, "
            "et l’adresse de sa région dans ELEVENLABS_BASE_URL."
        )
    else:
        sentence = (
            f"ElevenLabs refuse {path} (HTTP {status}, {code}) : voyez l’état du compte et les limites de la clé "
            "(adresses permises, échéance) sur elevenlabs.io."
        )
    return CredentialError(sentence, status=status)


def _meaning(answer: Answer) -> _Meaning | None:
    words = _words(answer)
    known = [_WORDS[word] for word in words if word in _WORDS]
    # Both come under the type of a wrong key, too.
    for meaning in (_Meaning.SCOPE, _Meaning.USED_UP):
        if meaning in known:
            return meaning
    # A refusal that gives a reason of its own is not told to be a wrong key.
    if _code(answer) not in ("", *_WORDS) and (known == [_Meaning.KEY] or (not known and answer.status == 401)):
        return _Meaning.OTHER
    return known[0] if known else _BY_STATUS.get(answer.status)


def _code(answer: Answer) -> str:
    """The code that an answer gives, if it is one and not a text that may hold anything."""
    codes = [word for word in _words(answer) if re.fullmatch("[a-z_]{3,40}", word)]
    return codes[-1] if codes else ""


def _words(answer: Answer) -> list[str]:
    """Type, code and status (the code's older name), as far as they are there: bodies come in four shapes."""
    try:
        body = answer.json()
    except ContractError:
        # Not JSON: then only the HTTP status speaks.
        return []
    detail = body.get("detail") if isinstance(body, dict) else None
    if not isinstance(detail, dict):
        return []
    words = (detail.get(name) for name in ("type", "status", "code"))
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

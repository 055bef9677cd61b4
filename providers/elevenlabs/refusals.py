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
from usage.language.saying import say
from usage.language.sentence import Sentence

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
    meaning, status = _meaning(answer), str(answer.status)
    if meaning is _Meaning.BUSY:
        return _busy(answer)
    if meaning is _Meaning.ABSENT:
        absent = say("{path} does not exist for this account (HTTP {status}).", path=answer.path, status=status)
        return NotOfferedError(absent, status=answer.status)
    if meaning is _Meaning.REFUSED:
        refused = say("{path} refuses the request (HTTP {status}).", path=answer.path, status=status)
        return RefusedError(refused, status=answer.status)
    return _about_the_key(answer, meaning) if meaning else None


def _about_the_key(answer: Answer, meaning: _Meaning) -> SourceError:
    sentence = _sentence(answer.path, str(answer.status), _code(answer), meaning)
    if meaning is _Meaning.USED_UP:
        # Seen with 401. What is refused so is not taken for days that another report has.
        return TransientError(sentence, status=answer.status, final=True)
    return CredentialError(sentence, status=answer.status)


def _sentence(path: str, status: str, code: str, meaning: _Meaning) -> Sentence:
    if meaning is _Meaning.USED_UP:
        return say(
            "ElevenLabs refuses {path} (HTTP {status}, {code}): the quota of credits is used up; the key is not at "
            "fault. Run it again once the quota is renewed, or raise the key’s limit.",
            path=path,
            status=status,
            code=code,
        )
    if meaning is _Meaning.SCOPE:
        permission = next((name for of, name in PERMISSIONS if of == path), None)
        needed = (
            say("give it the permission {permission}", permission=permission)
            if permission
            else say("give it the permission to read")
        )
        return say(
            "The ElevenLabs key may not read {path} (HTTP {status}): {needed}, as an administrator of the workspace.",
            path=path,
            status=status,
            needed=needed,
        )
    if meaning is _Meaning.KEY:
        return say(
            "ElevenLabs refuses the key on {path} (HTTP {status}): it takes a valid key of this workspace, and the "
            "address of its region in ELEVENLABS_BASE_URL.",
            path=path,
            status=status,
        )
    return say(
        "ElevenLabs refuses {path} (HTTP {status}, {code}): look at the account’s state and at the key’s limits "
        "(allowed addresses, expiry) on elevenlabs.io.",
        path=path,
        status=status,
        code=code,
    )


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
        say("{path} is busy or limits the requests (HTTP {status}).", path=answer.path, status=str(answer.status)),
        status=answer.status,
        retry_after=asked,
        final=asked is not None and asked > PATIENCE,
    )

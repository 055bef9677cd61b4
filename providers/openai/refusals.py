"""What OpenAI's refusals say: by their code, the parameter they name and their text, before their status."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from providers.openai.endpoints import PROJECTS
from providers.shared.answers import Answer, ApiModel
from usage.errors import ContractError, CredentialError, RefusedError, SourceError, UnavailableError

_SCOPES: Final = re.compile(r"Missing scopes?: (\w+(?:\.\w+)*(?:, \w+(?:\.\w+)*)*)")
_EPOCH: Final = re.compile(r"\b1[0-9]{9}\b")
_DAY: Final = re.compile(r"\b(20[0-9]{2}-[01][0-9]-[0-3][0-9])\b")
_ADDRESS: Final = re.compile(r"\bIPs?\b|ip_not|ip_address|country|region", re.IGNORECASE)
_TOO_OLD: Final = "reporting_lookback_exceeded"


class TooOldError(UnavailableError):
    """The report does not reach so far back.

    `first_day` is the first day that it has, where the text names it.
    """

    def __init__(self, sentence: str, *, status: int, first_day: date | None) -> None:
        super().__init__(sentence, status=status)
        self.first_day = first_day


class KeysNotYetError(RefusedError):
    """Costs are told by key from a later day on; `first_day` is the first whole one."""

    def __init__(self, sentence: str, *, status: int, first_day: date) -> None:
        super().__init__(sentence, status=status)
        self.first_day = first_day


class _Refusal(ApiModel):
    message: str = ""
    param: str | None = None
    code: str | None = None


class _Body(ApiModel):
    error: _Refusal | str = _Refusal()


def explain(answer: Answer) -> SourceError | None:
    """OpenAI's own reading of an answer that is not 2xx; None leaves it to the common rules."""
    if answer.status not in (400, 401, 403):
        return None
    said = _said(answer)
    if answer.status == 401:
        return CredentialError(
            f"OpenAI refuse la clé sur {answer.path} (HTTP 401) : il faut une clé d’administration (sk-admin-…), "
            "valide et non expirée, avec le droit api.usage.read.",
            status=401,
        )
    return _too_far(answer.path, said) if answer.status == 400 else _forbidden(answer.path, said)


def _said(answer: Answer) -> _Refusal:
    try:
        error = answer.parse(_Body).error
    except ContractError:
        # A refusal without a body of OpenAI's stays a refusal.
        return _Refusal()
    return _Refusal(message=error) if isinstance(error, str) else error


def _too_far(path: str, said: _Refusal) -> SourceError | None:
    if said.code == _TOO_OLD:
        day = _first_day(said.message)
        since = f" : il commence le {day}" if day else ""
        return TooOldError(f"{path} ne remonte pas si loin{since}.", status=400, first_day=day)
    epoch = _EPOCH.search(said.message)
    if said.param == "start_time" and "api_key_id" in said.message and epoch:
        begins = datetime.fromtimestamp(int(epoch[0]), UTC)
        whole = begins.date() if begins == begins.replace(hour=0, minute=0, second=0) else begins.date() + _A_DAY
        return KeysNotYetError(f"{path} ne donne les clés qu’à partir du {whole}.", status=400, first_day=whole)
    return None


_A_DAY: Final = timedelta(days=1)


def _first_day(text: str) -> date | None:
    found = _DAY.search(text)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def _forbidden(path: str, said: _Refusal) -> CredentialError:
    lead = f"OpenAI refuse {path} à cette clé (HTTP 403)"
    if scopes := _SCOPES.search(said.message):
        rights = scopes[1]
        return CredentialError(f"{lead} : il lui manque le droit {rights}.", status=403)
    if _ADDRESS.search(f"{said.code or ''} {said.message}"):
        return CredentialError(
            f"{lead} : l’adresse de cette machine, ou son pays, n’est pas admis par l’organisation.", status=403
        )
    if path.startswith(PROJECTS):
        return CredentialError(f"{lead} : il lui manque le droit de lire les projets et leurs clés.", status=403)
    return CredentialError(
        f"{lead} : il lui manque le droit api.usage.read, ou l’organisation n’a pas ce rapport.", status=403
    )

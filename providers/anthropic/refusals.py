"""What Anthropic's refusals say: by their code and text, before their status."""

from __future__ import annotations

import re
from typing import Final

from providers.anthropic.endpoints import API_KEYS, ORGANIZATION, WORKSPACES
from providers.shared.answers import Answer, ApiModel
from usage.errors import ContractError, CredentialError, RefusedError, SourceError

_ADDRESS: Final = re.compile(r"\bIPs?\b|ip_address|allow-?list", re.IGNORECASE)
_NOT_ELIGIBLE: Final = "organization_not_eligible"
_SCOPE_MISSING: Final = "api_key_scope_missing"
_REGISTRIES: Final = {
    ORGANIZATION: "le nom de l’organisation",
    WORKSPACES: "la liste des espaces de travail",
    API_KEYS: "la liste des clés",
}


class _Details(ApiModel):
    error_code: str | None = None


class _Refusal(ApiModel):
    message: str = ""
    details: _Details | None = None

    @property
    def code(self) -> str | None:
        return self.details.error_code if self.details else None


class _Body(ApiModel):
    error: _Refusal = _Refusal()


def explain(answer: Answer) -> SourceError | None:
    """Anthropic's own reading of an answer that is not 2xx; None leaves it to the common rules."""
    if answer.status == 400 and _said(answer).code == _NOT_ELIGIBLE:
        return RefusedError(f"{answer.path} n’est pas offert à cette organisation (HTTP 400).", status=400)
    if answer.status == 401:
        return CredentialError(
            f"Anthropic refuse la clé sur {answer.path} (HTTP 401) : il faut une clé d’administration "
            "(sk-ant-admin01-…) valide et non expirée.",
            status=401,
        )
    return _forbidden(answer.path, _said(answer)) if answer.status == 403 else None


def _said(answer: Answer) -> _Refusal:
    try:
        return answer.parse(_Body).error
    except ContractError:
        # A refusal without a body of Anthropic's stays a refusal.
        return _Refusal()


def _forbidden(path: str, said: _Refusal) -> CredentialError:
    lead = f"Anthropic refuse {path} à cette clé (HTTP 403)"
    if _ADDRESS.search(said.message):
        why = "l’adresse de cette machine n’est pas dans la liste des adresses admises par l’organisation"
    elif path in _REGISTRIES:
        why = f"il lui manque le droit de lire {_REGISTRIES[path]}, qu’une clé d’administration (sk-ant-admin01-…) a"
    elif said.code == _SCOPE_MISSING:
        why = "il lui manque le droit de lire ce rapport, qu’une clé d’administration (sk-ant-admin01-…) a"
    else:
        why = "il faut une clé d’administration (sk-ant-admin01-…), et que l’organisation ait ce rapport"
    return CredentialError(f"{lead} : {why}.", status=403)

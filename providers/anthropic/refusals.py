"""What Anthropic's refusals say: by their code and text, before their status."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from providers.anthropic.endpoints import API_KEYS, ORGANIZATION, WORKSPACES
from providers.shared.answers import Answer, ApiModel
from usage.errors import ContractError, CredentialError, RefusedError, SourceError
from usage.language.saying import say
from usage.language.sentence import Sentence

_ADDRESS: Final = re.compile(r"\bIPs?\b|ip_address|allow-?list", re.IGNORECASE)
_NOT_ELIGIBLE: Final = "organization_not_eligible"
_SCOPE_MISSING: Final = "api_key_scope_missing"
_REGISTRIES: Final[dict[str, Callable[[], Sentence]]] = {
    ORGANIZATION: lambda: say("the organization’s name"),
    WORKSPACES: lambda: say("the list of workspaces"),
    API_KEYS: lambda: say("the list of keys"),
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
        sentence = say("{path} is not offered to this organization (HTTP 400).", path=answer.path)
        return RefusedError(sentence, status=400)
    if answer.status == 401:
        sentence = say(
            "Anthropic refuses the key at {path} (HTTP 401): it takes an admin key (sk-ant-admin01-…), valid and not "
            "expired.",
            path=answer.path,
        )
        return CredentialError(sentence, status=401)
    return _forbidden(answer.path, _said(answer)) if answer.status == 403 else None


def _said(answer: Answer) -> _Refusal:
    try:
        return answer.parse(_Body).error
    except ContractError:
        # A refusal without a body of Anthropic's stays a refusal.
        return _Refusal()


def _forbidden(path: str, said: _Refusal) -> CredentialError:
    if _ADDRESS.search(said.message):
        why = say("the address of this machine is not in the list of addresses that the organization admits")
    elif path in _REGISTRIES:
        why = _lacks_the_right(_REGISTRIES[path]())
    elif said.code == _SCOPE_MISSING:
        why = _lacks_the_right(say("this report"))
    else:
        why = say("it takes an admin key (sk-ant-admin01-…), and an organization that has this report")
    sentence = say("Anthropic refuses {path} to this key (HTTP 403): {why}.", path=path, why=why)
    return CredentialError(sentence, status=403)


def _lacks_the_right(what: Sentence) -> Sentence:
    return say("it lacks the right to read {what}, which an admin key (sk-ant-admin01-…) has", what=what)

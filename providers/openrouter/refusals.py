"""How OpenRouter says no."""

from __future__ import annotations

from providers.shared.answers import Answer
from usage.errors import CredentialError, RefusedError, SourceError


def explain(answer: Answer) -> SourceError | None:
    """401: no such key. 403: an ordinary key. Statuses alone are read: the messages have changed over time."""
    if answer.status == 401:
        return CredentialError(
            f"OpenRouter ne connaît pas la clé (HTTP 401 sur {answer.path}) : créez une clé de gestion sur "
            "openrouter.ai/settings/management-keys.",
            status=401,
        )
    if answer.status == 402:
        return RefusedError("OpenRouter refuse de répondre tant que le solde est négatif (HTTP 402).", status=402)
    return wrong_kind(f"HTTP 403 sur {answer.path}", status=403) if answer.status == 403 else None


def wrong_kind(where: str, *, status: int | None = None) -> CredentialError:
    """The refusal of a key that is no management key; `where` it showed."""
    return CredentialError(
        f"Cette clé OpenRouter n’est pas une clé de gestion ({where}) : créez-en une sur "
        "openrouter.ai/settings/management-keys.",
        status=status,
    )


def explain_partial_refusal(path: str, error: CredentialError) -> CredentialError:
    """The refusal of one endpoint to a key that reads others, which is no key of the wrong kind."""
    sentence = f"OpenRouter refuse {path} à la clé (HTTP {error.status}), qui lit pourtant d’autres données."
    return CredentialError(sentence, status=error.status)

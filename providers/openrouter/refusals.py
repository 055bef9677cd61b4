"""How OpenRouter says no."""

from __future__ import annotations

from providers.shared.answers import Answer
from usage.errors import CredentialError, RefusedError, SourceError
from usage.language.saying import say
from usage.language.sentence import Sentence


def explain(answer: Answer) -> SourceError | None:
    """401: no such key. 403: an ordinary key. Statuses alone are read: the messages have changed over time."""
    if answer.status == 401:
        sentence = say(
            "OpenRouter does not know the key (HTTP 401 on {path}): create a management key on "
            "openrouter.ai/settings/management-keys.",
            path=answer.path,
        )
        return CredentialError(sentence, status=401)
    if answer.status == 402:
        return RefusedError(
            say("OpenRouter refuses to answer as long as the balance is negative (HTTP 402)."), status=402
        )
    return wrong_kind(say("HTTP 403 on {path}", path=answer.path), status=403) if answer.status == 403 else None


def wrong_kind(where: Sentence, *, status: int | None = None) -> CredentialError:
    """The refusal of a key that is no management key; `where` it showed."""
    sentence = say(
        "This OpenRouter key is not a management key ({where}): create one on openrouter.ai/settings/management-keys.",
        where=where,
    )
    return CredentialError(sentence, status=status)


def explain_partial_refusal(path: str, error: CredentialError) -> CredentialError:
    """The refusal of one endpoint to a key that reads others, which is no key of the wrong kind."""
    sentence = say(
        "OpenRouter refuses {path} to the key (HTTP {status}), which does read other data.",
        path=path,
        status=str(error.status),
    )
    return CredentialError(sentence, status=error.status)

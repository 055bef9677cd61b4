"""How Deepgram says no: plain text, `err_code` with `err_msg`, or `category` with `message`.

A 401 is not always a wrong key: a good key without the scope gets one as well, so the body decides.
"""

from __future__ import annotations

from providers.deepgram.endpoints import PROJECTS, scope_of
from providers.shared.answers import Answer
from usage.errors import CredentialError, SourceError
from usage.language.saying import say
from usage.language.sentence import SILENCE, Sentence
from usage.peers.bodies import UnreadableError, decode


def explain(answer: Answer) -> SourceError | None:
    """Deepgram's own reading of a refusal; None where the common rules do."""
    if answer.status not in (401, 403, 404):
        return None
    sentence = _sentence(answer, _words(answer.content))
    return CredentialError(sentence, status=answer.status) if sentence else None


def _sentence(answer: Answer, said: str) -> Sentence:
    status, scope = str(answer.status), scope_of(answer.path)
    if answer.status != 404 and ("INSUFFICIENT_PERMISSIONS" in said or "sufficient permissions" in said):
        return say(
            "Deepgram refuses this reading to the key (HTTP {status}): it lacks the scope {scope}. Create a key of "
            "role admin in this project.",
            status=status,
            scope=scope,
        )
    if "PROJECT_NOT_FOUND" in said or ("UNAUTHORIZED" in said and answer.path != PROJECTS):
        return say(
            "Deepgram refuses this project to the key (HTTP {status}): it takes a key created in this project.",
            status=status,
        )
    if answer.status == 404:
        return SILENCE
    if answer.path != PROJECTS:
        # The same key has read the list of projects before.
        return say(
            "Deepgram refuses this reading to the key (HTTP {status}), which does read the list of projects: check its "
            "scope {scope} and that it still exists.",
            status=status,
            scope=scope,
        )
    if "INVALID_AUTH" in said or "UNAUTHORIZED" in said:
        return say(
            "Deepgram does not know the key (HTTP {status}): check that it is complete and still exists.", status=status
        )
    return SILENCE


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

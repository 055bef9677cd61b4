"""What OpenAI's refusals say: by their code, the parameter they name and their text, before their status."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator

from providers.openai.endpoints import PROJECTS
from providers.shared.answers import Answer, ApiModel
from usage.errors import ContractError, CredentialError, RefusedError, SourceError, UnavailableError
from usage.language.saying import say
from usage.language.sentence import Sentence

_SCOPES: Final = re.compile(r"Missing scopes?: (\w+(?:\.\w+)*(?:, \w+(?:\.\w+)*)*)")
_MOMENT: Final = re.compile(r"\b(?:(?P<epoch>1[0-9]{9})|(?P<day>20[0-9]{2}-[01][0-9]-[0-3][0-9]))(?![0-9])")
_ADDRESS: Final = re.compile(r"\bIPs?\b|ip_not|ip_address|country|region", re.IGNORECASE)
_TOO_OLD: Final = "reporting_lookback_exceeded"


class TooOldError(UnavailableError):
    """The report does not reach so far back.

    `days` are those that the text names: the first one that it has, and maybe others, such as the one asked for.
    """

    def __init__(self, sentence: Sentence, *, status: int, days: Sequence[date]) -> None:
        super().__init__(sentence, status=status)
        self.days = tuple(days)


class KeysNotYetError(RefusedError):
    """Costs are told by key from a later day on: one of the `days` that the text names, which are whole ones."""

    def __init__(self, sentence: Sentence, *, status: int, days: Sequence[date]) -> None:
        super().__init__(sentence, status=status)
        self.days = tuple(days)


_Text = Annotated[str, BeforeValidator(lambda value: value if isinstance(value, str) else "")]
"""A field of no other use than its text: one that has another type takes nothing from the others."""


class _Refusal(ApiModel):
    message: _Text = ""
    code: _Text = ""


class _Body(ApiModel):
    error: _Refusal | str = _Refusal()


def explain(answer: Answer) -> SourceError | None:
    """OpenAI's own reading of an answer that is not 2xx; None leaves it to the common rules."""
    if answer.status not in (400, 401, 403):
        return None
    said = _said(answer)
    if answer.status == 401:
        sentence = say(
            "OpenAI refuses the key at {path} (HTTP 401): it takes an admin key (sk-admin-…), valid and not expired, "
            "with the right api.usage.read.",
            path=answer.path,
        )
        return CredentialError(sentence, status=401)
    return _too_far(answer.path, said) if answer.status == 400 else _forbidden(answer.path, said)


def _said(answer: Answer) -> _Refusal:
    try:
        error = answer.parse(_Body).error
    except ContractError:
        # A refusal without a body of OpenAI's stays a refusal.
        return _Refusal()
    return _Refusal(message=error) if isinstance(error, str) else error


def _too_far(path: str, said: _Refusal) -> SourceError | None:
    days = _days(said.message)
    if said.code == _TOO_OLD:
        if len(days) == 1:
            sentence = say("{path} does not reach back so far: it begins on {day}.", path=path, day=days[0])
        else:
            sentence = say("{path} does not reach back so far.", path=path)
        return TooOldError(sentence, status=400, days=days)
    if "api_key_id" in said.message and days:
        sentence = say("{path} gives keys only from {day} on.", path=path, day=max(days))
        return KeysNotYetError(sentence, status=400, days=days)
    return None


_A_DAY: Final = timedelta(days=1)


def _days(text: str) -> list[date]:
    """Days that a text names, as dates or in Unix seconds; a moment within a day stands for the next one."""
    days = []
    for found in _MOMENT.finditer(text):
        if found["epoch"]:
            moment = datetime.fromtimestamp(int(found["epoch"]), UTC)
            is_midnight = moment == moment.replace(hour=0, minute=0, second=0)
            days.append(moment.date() if is_midnight else moment.date() + _A_DAY)
            continue
        try:
            days.append(date.fromisoformat(found["day"]))
        except ValueError:
            # Digits that are no date say nothing.
            continue
    return days


def _forbidden(path: str, said: _Refusal) -> CredentialError:
    if scopes := _SCOPES.search(said.message):
        why = say("it lacks the right {right}", right=scopes[1])
    elif _ADDRESS.search(f"{said.code} {said.message}"):
        why = say("the address of this machine, or its country, is not admitted by the organization")
    elif path.startswith(PROJECTS):
        why = say("it lacks the right to read the projects and their keys")
    else:
        why = say("it lacks the right api.usage.read, or the organization does not have this report")
    sentence = say("OpenAI refuses {path} to this key (HTTP 403): {why}.", path=path, why=why)
    return CredentialError(sentence, status=403)

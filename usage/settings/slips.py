"""Variables whose names are close to ours and are not ours: a slip of the pen makes a provider stay away in silence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher, get_close_matches
from functools import cache
from typing import Final

from usage.catalogue import CATALOGUE, ProviderSpec
from usage.language.saying import say, together
from usage.language.sentence import Sentence

_KEY_VARIABLES: Final = tuple(name for spec in CATALOGUE.values() for name in spec.key_variables)
VARIABLES: Final = (
    *_KEY_VARIABLES,
    *(spec.address_variable for spec in CATALOGUE.values()),
    *(spec.grain_variable for spec in CATALOGUE.values()),
    "NOTION_TOKEN",
    "NOTION_API_KEY",
    "NOTION_TOKEN_FILE",
    "NOTION_BASE_URL",
    "NOTION_SERVICES_DB_ID",
    "NOTION_USAGES_DB_ID",
    "NOTION_PARENT_PAGE_ID",
    "NOTION_REQUESTS_PER_MINUTE",
    "NOTION_CARRY_COLUMNS",
    "NOTION_LANG",
    "LLM_USAGE_ARCHIVE",
    "LLM_USAGE_BUDGET",
    *(f"LLM_USAGE_BUDGET_{name.upper()}" for name in CATALOGUE),
    "LLM_USAGE_BUDGETS_FILE",
    "LLM_USAGE_ENV_FILE",
    "LLM_USAGE_LANG",
    "LLM_USAGE_NOTIFY_FILE",
    "LLM_USAGE_NOW",
    "REPORT_CURRENCY",
    "EUR_RATES_FILE",
    "ECB_BASE_URL",
)
"""All variables that are read, without the suffixes of accounts and files."""
_OTHERS: Final = frozenset(name for spec in CATALOGUE.values() for name in spec.ordinary_names)
_ALIKE: Final = 0.8
"""Share of its letters that a misspelt word keeps at least: `ANTROPHIC`, `USAGE`, `KEYS`; not `PAGES` for `USAGES`."""
_NEARLY_ALL: Final = 0.95
"""The same for a whole name in which underscores are amiss, too."""


def slips(places: Mapping[Sentence, Iterable[str]]) -> tuple[Sentence, ...]:
    """One sentence for each variable that was probably meant for this program, and is not read.

    Args:
        places: Names of the variables that are set, by where: `.env`, `the environment`.
    """
    found: dict[str, list[Sentence]] = {}
    for place, names in places.items():
        for name in names:
            if is_slip(name):
                found.setdefault(name, []).append(place)
    return tuple(_sentence(name, together(where, between=", ")) for name, where in sorted(found.items()))


def is_slip(name: str) -> bool:
    """Whether a variable looks like one of ours and is none."""
    if name in _OTHERS or _is_ours(name):
        return False
    # Nobody else's begin like this.
    return closest_setting(name) is not None or name.upper().startswith("LLM_USAGE_")


@cache
def closest_setting(name: str) -> str | None:
    """Our variable that a name is a misspelling of; None where it is like none of them."""
    upper = name.upper()
    if not re.fullmatch(r"[A-Z][A-Z0-9_]+", upper):
        return None
    if _is_ours(upper):
        return upper
    found = _closest(upper, VARIABLES)
    # An account's name, or `_FILE`, or both stand behind it.
    for words in (1, 2) if found is None else ():
        stem, *rest = upper.rsplit("_", words)
        if len(rest) == words and stem not in _OTHERS and (close := _closest(stem, _KEY_VARIABLES)):
            return "_".join([close, *rest])
    return found


def ordinary_key(spec: ProviderSpec, values: Mapping[str, str]) -> Sentence | None:
    """What to say to somebody who has a provider's ordinary key and not the one that is needed; never the key."""
    name = next((name for name in spec.ordinary_names if name in values), None)
    if name is None:
        return None
    kind = say(spec.key_kind)
    if spec.job_prefixes and values[name].startswith(spec.job_prefixes):
        return say(
            "{name} is not read, but seems to hold {kind}: put it into {variable}",
            name=name,
            kind=kind,
            variable=spec.key_variable,
        )
    return say(
        "{name} is set: this is an ordinary key; the job needs {kind} in {variable}",
        name=name,
        kind=kind,
        variable=spec.key_variable,
    )


def _is_ours(name: str) -> bool:
    return name in VARIABLES or name.startswith(tuple(f"{variable}_" for variable in _KEY_VARIABLES))


def _closest(name: str, variables: Iterable[str]) -> str | None:
    close = [variable for variable in variables if _is_close(name, variable)]
    return get_close_matches(name, close, n=1, cutoff=0)[0] if close else None


def _is_close(name: str, variable: str) -> bool:
    words, ours = _words(name), _words(variable)
    if sorted(words) == sorted(ours):
        return True
    if name[0] != variable[0]:
        return False
    if len(words) == len(ours) and all(_is_same_word(one, other) for one, other in zip(words, ours, strict=True)):
        return True
    joined, our_letters = "".join(words), "".join(ours)
    return joined == our_letters or (len(our_letters) > 12 and _share(joined, our_letters) >= _NEARLY_ALL)


def _words(name: str) -> list[str]:
    return ["DB" if word == "DATABASE" else word for word in name.split("_")]


def _is_same_word(word: str, ours: str) -> bool:
    # Two letters are too few to be misspelt: XAI_API_KEY is not XI_API_KEY. Nor is MOTION_API_KEY Notion's.
    return word == ours or (len(ours) > 2 and word[:1] == ours[0] and _share(word, ours) >= _ALIKE)


def _share(left: str, right: str) -> float:
    return SequenceMatcher(None, left, right, autojunk=False).ratio()


def _sentence(name: str, where: Sentence) -> Sentence:
    close = closest_setting(name)
    if close is None:
        return say(
            "{name} (in {where}) is not a setting of llm-usage and is not read: see the README for the names that are.",
            name=name,
            where=where,
        )
    return say(
        "{name} (in {where}) is not a setting of llm-usage and is not read: did you mean {close}?",
        name=name,
        where=where,
        close=close,
    )

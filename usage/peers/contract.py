"""What is wrong with an answer that does not keep an API's contract, in French words."""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError

_EXPECTED: Final = {
    "missing": "une valeur",
    "string": "un texte",
    "int": "un entier",
    "float": "un nombre",
    "decimal": "un nombre",
    "bool": "vrai ou faux",
    "list": "une liste",
    "tuple": "une liste",
    "dict": "un objet",
    "model": "un objet",
    "date": "une date",
    "datetime": "un instant",
    "enum": "l’une des valeurs connues",
}
"""By the first word of pydantic's kind of error."""


def describe_breach(error: ValidationError, *, below: int = 0) -> str:
    """Path of the first field that is wrong, and what was expected there; never the value.

    `below` cuts that many steps from the path's beginning.
    """
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"][below:]) or "(racine)"
    expected = _EXPECTED.get(first["type"].split("_")[0], first["type"])
    others = error.error_count() - 1
    more = f" (et {others} autre{'s' if others > 1 else ''})" if others else ""
    return f"champ {field}, attendu : {expected}{more}"

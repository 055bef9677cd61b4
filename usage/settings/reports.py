"""How the figures are told to people: languages, own columns, budgets, currency, who is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from usage.language.choice import Language, of_the_locale
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.names import ProviderName
from usage.settings.addresses import read_address

CURRENCIES: Final = ("USD", "EUR")
"""That reports can be made in."""
ECB_ADDRESS: Final = "https://data-api.ecb.europa.eu/service"
"""Of the European Central Bank's data."""
BUDGETS: Final = {
    "total": "LLM_USAGE_BUDGET",
    **{name.value: f"LLM_USAGE_BUDGET_{name.upper()}" for name in ProviderName},
}
"""Variables of budgets, by what they bound."""


class ReportSettings(BaseModel):
    """How the figures are told to people."""

    model_config = ConfigDict(frozen=True)

    language: Language = Language.EN
    """Of the terminal, Prefect's pages and reports."""
    notion_language: Language = Language.FR
    """Of the cells in Notion."""
    carry_columns: tuple[str, ...] = ()
    """People's own columns of *Usages* that follow a project or key into a new month, by their names."""
    currency: str = "USD"
    """A second currency beside USD where it is another one."""
    rates_file: Path | None = None
    """File with rates of that currency, in place of the ECB's."""
    ecb_base_url: str = ECB_ADDRESS
    """Where the European Central Bank's rates are asked for."""
    budgets_file: Path | None = None
    budgets: dict[str, Decimal] = {}
    """USD a month: `total`, or a provider's name. These variables win over the file."""
    notify_file: Path | None = None
    """File with addresses that digests and alerts go to. It is secret: only its path is kept here."""


def read_report_settings(values: Mapping[str, str], wrong: list[Sentence]) -> ReportSettings:
    """These settings from variables.

    Args:
        values: The variables that are set.
        wrong: Told what is amiss, one line each.
    """
    currency = values.get("REPORT_CURRENCY", "USD").upper()
    if currency not in CURRENCIES:
        wrong.append(
            say("REPORT_CURRENCY: {currency} is none of {names}", currency=repr(currency), names=", ".join(CURRENCIES))
        )
    return ReportSettings(
        language=_language("LLM_USAGE_LANG", values, wrong, of_the_locale(values)),
        notion_language=_language("NOTION_LANG", values, wrong, Language.FR),
        carry_columns=tuple(filter(None, map(str.strip, values.get("NOTION_CARRY_COLUMNS", "").split(",")))),
        currency=currency,
        rates_file=_file("EUR_RATES_FILE", values, wrong),
        ecb_base_url=read_address("ECB_BASE_URL", ECB_ADDRESS, values, wrong),
        budgets_file=_file("LLM_USAGE_BUDGETS_FILE", values, wrong),
        budgets=_budgets(values, wrong),
        notify_file=_file("LLM_USAGE_NOTIFY_FILE", values, wrong),
    )


def _language(variable: str, values: Mapping[str, str], wrong: list[Sentence], usual: Language) -> Language:
    text = values.get(variable, usual.value).lower()
    if text not in set(Language):
        wrong.append(
            say("{variable}: {text} is none of {names}", variable=variable, text=repr(text), names=", ".join(Language))
        )
        return usual
    return Language(text)


def _file(variable: str, values: Mapping[str, str], wrong: list[Sentence]) -> Path | None:
    if variable not in values:
        return None
    try:
        path = Path(values[variable]).expanduser().absolute()
        is_there = path.is_file()
    except (OSError, RuntimeError, ValueError):
        # A name that is too long or has no home; a folder that can't be entered.
        is_there = False
    if not is_there:
        wrong.append(say("{variable}: there is no file of that name that can be read", variable=variable))
        return None
    return path


def _budgets(values: Mapping[str, str], wrong: list[Sentence]) -> dict[str, Decimal]:
    """Budgets in variables, USD a month."""
    found = {}
    for name, variable in BUDGETS.items():
        if variable not in values:
            continue
        text = values[variable]
        if re.fullmatch(r"\d{1,12}(\.\d{1,6})?", text) is None:
            wrong.append(
                say(
                    "{variable}: {text} is not an amount of US dollars like 1500 or 1500.50",
                    variable=variable,
                    text=repr(text),
                )
            )
            continue
        found[name] = Decimal(text)
    return found

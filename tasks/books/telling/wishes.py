"""What is to be looked at after a collection, and who is told."""

from __future__ import annotations

from dataclasses import dataclass

from reports.planning.budgets import Budgets
from tasks.books.budgets import load_budgets
from tasks.books.telling.addresses import Addresses, read_addresses
from usage.errors import SettingsError
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.settings import Settings


@dataclass(frozen=True, slots=True)
class Wishes:
    """Budgets and addresses, as far as they can be used."""

    budgets: Budgets
    addresses: Addresses | None
    """None where nobody is told."""
    amiss: tuple[Sentence, ...]
    """Why something can't be used, one sentence each. A collection goes on without it."""


def read_wishes(settings: Settings) -> Wishes:
    """What the settings name. A file that can't be used does not stand in the other's way."""
    budgets, addresses, amiss = Budgets({}, {}, {}), None, list[Sentence]()
    try:
        budgets = load_budgets(settings)
    except SettingsError as error:
        amiss.append(say("Budgets are not looked at: {why}", why=error.sentence))
    try:
        if settings.reports.notify_file is not None:
            addresses = read_addresses(settings.reports.notify_file)
    except SettingsError as error:
        amiss.append(say("Nothing is sent: {why}", why=error.sentence))
    return Wishes(budgets, addresses, tuple(amiss))

"""`llm-usage digest`: a month in ten lines, printed or sent."""

from __future__ import annotations

import argparse
import json
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from cli.display import literal, noting_warnings, out, print_lines
from notion.client.gateway import Gateway
from notion.text import one_line
from notion.workspace import Workspace
from reports.comparison import MOST_SHOWN, Change
from reports.currency import Rates, for_files
from reports.digest import Digest, Style, digest_lines
from reports.grouping import Group, Grouping
from reports.planning.outlook import BudgetState
from reports.planning.surprises import Surprise
from tasks.books.budgets import load_budgets
from tasks.books.gather import gather
from tasks.books.rates import gather_rates
from tasks.books.telling.addresses import VARIABLE, Addresses, read_addresses
from tasks.books.telling.delivery import Delivery
from tasks.books.telling.styles import LONGEST, PLAIN
from tasks.books.telling.telling import Told, digest_of, months_for, send_digest
from tasks.pages.markdown import escape, link
from usage.errors import SettingsError
from usage.language.choice import Language
from usage.language.saying import say, say_count, together
from usage.language.sentence import SILENCE, Sentence
from usage.language.words import Words
from usage.money import digits, dollars
from usage.month import Month
from usage.settings import Settings, load_settings

_MARKDOWN: Final = Style(
    name=lambda text: escape(one_line(text, LONGEST)),
    link=lambda _, name, url: link(name, url),
    head=lambda line: f"**{line}**\n",
    item=lambda line: f"- {line}",
)


def run(arguments: argparse.Namespace) -> int:
    """Print or send it; 1 where it did not reach an address.

    Raises:
        SettingsError: Options that don't go together, a month that has not begun, or that is to be sent and was never
            collected, a file that can't be used.
        NotionError: Notion can't be read.
    """
    if arguments.again and not arguments.send:
        raise SettingsError(say("--again is for --send: it sends a digest also to those who had it"))
    if arguments.markdown and (arguments.send or arguments.json):
        raise SettingsError(say("--markdown is for printing: addresses get plain text, and --json has both"))
    settings = load_settings()
    month = Month.resolve(arguments.month, settings.now())
    # Before anything is read.
    addresses = _addresses(settings) if arguments.send else None
    digest = _digest(settings, month, arguments.by, is_sent=addresses is not None)
    told = Told(digest, Words(Language(arguments.lang or settings.reports.language)))
    delivery = send_digest(settings, told, addresses, again=arguments.again) if addresses is not None else None
    if arguments.json:
        print(json.dumps(_json(told, delivery), ensure_ascii=False))
    elif delivery is None:
        _print(told, markdown=arguments.markdown)
    else:
        out().print(literal(_sentence(month, delivery)), soft_wrap=True)
    if told.digest.state is None:
        print_lines([say("{month} was never collected: llm-usage collect --month {month} does it", month=month)])
    if delivery is None:
        return 0
    print_lines(say("not sent to {whom}", whom=whom) for whom in delivery.failures)
    return 1 if delivery.failures else 0


def _addresses(settings: Settings) -> Addresses:
    if settings.reports.notify_file is None:
        raise SettingsError(
            say(
                "{variable} is not set: name a file that holds an address of Apprise's in each line, like "
                "mailto://…, and that only you can read (chmod 600)",
                variable=VARIABLE,
            )
        )
    return read_addresses(settings.reports.notify_file)


def _digest(settings: Settings, month: Month, by: list[str], *, is_sent: bool) -> Digest:
    budgets = load_budgets(settings)
    with closing(Gateway(settings.notion)) as gateway, noting_warnings():
        workspace = Workspace(settings, frozenset(), gateway)
        ledger = gather(settings, workspace, months_for(month))
        if is_sent:
            # Printed, it says so; nobody wants that in the mail.
            replace(ledger, months=(ledger.month(month),)).require_collected()
        rates = gather_rates(settings, [month] if ledger.month(month).is_collected else [])
        return digest_of(settings, workspace, ledger, month, budgets=budgets, rates=rates, by=by)


def _print(told: Told, *, markdown: bool) -> None:
    for line in digest_lines(told.digest, told.words, _MARKDOWN if markdown else PLAIN):
        if markdown:
            print(line)
        else:
            out().print(literal(line), soft_wrap=True)


def _sentence(month: Month, delivery: Delivery) -> Sentence:
    said = [
        say_count("sent to {number} address", "sent to {number} addresses", delivery.sent)
        if delivery.sent
        else SILENCE,
        say_count(
            "{number} address had it already, or another run is sending it (--again sends it once more)",
            "{number} addresses had it already, or another run is sending it (--again sends it once more)",
            delivery.known,
        )
        if delivery.known
        else SILENCE,
    ]
    return say("{month}: {what}.", month=month, what=together(said, between="; ") or say("sent to nobody"))


def _json(told: Told, delivery: Delivery | None) -> dict[str, Any]:
    """All amounts are text with every digit; what is not known is null."""
    digest = told.digest
    comparison, ahead = digest.comparison, digest.outlook.forecast
    found = {
        "month": str(digest.month),
        "state": digest.state,
        "total_usd": _amount(comparison.total),
        "second_currency": _second(digest.rates, digest.month, comparison.total),
        "change": None if comparison.cost is None else _change(comparison.cost),
        "compared_until": None if comparison.until is None else str(comparison.until),
        "movers": [
            {
                "provider": one.row.provider,
                "row": one.row.title,
                "key": one.row.key,
                **_change(one.cost),
                "model": one.model or None,
                "model_change_usd": _amount(one.model_cost.amount),
            }
            for one in comparison.movers[:MOST_SHOWN]
        ],
        "by": [_grouping(one) for one in digest.by],
        "forecast": None
        if ahead is None
        else {
            "expected_usd": _amount(ahead.expected),
            "low_usd": _amount(ahead.low),
            "high_usd": _amount(ahead.high),
            "days": ahead.days_read,
            "as_they_stand": list(ahead.as_they_stand),
        },
        "budgets": [_budget(one) for one in digest.outlook.budgets],
        "surprises": [_surprise(one) for one in digest.outlook.surprises],
        "text": "\n".join(digest_lines(digest, told.words, PLAIN)),
        "markdown": "\n".join(digest_lines(digest, told.words, _MARKDOWN)),
    }
    if delivery is not None:
        found["delivery"] = {"sent": delivery.sent, "known": delivery.known, "failed": len(delivery.failures)}
    return found


def _second(rates: Rates, month: Month, total: Decimal | None) -> dict[str, Any] | None:
    """The total in a second currency, and its rate; null where none is wanted."""
    if not rates.wanted:
        return None
    rate, other = rates.rates.get(month), for_files(rates.both(total, month).other)
    return {
        "currency": rates.currency,
        "total": None if other is None else digits(other),
        "rate": None if rate is None else digits(rate.rate),
        "source": None if rate is None else rate.source,
        "missing": rates.missing.get(month),
    }


def _grouping(grouping: Grouping) -> dict[str, Any]:
    def told(group: Group) -> dict[str, Any]:
        return {"values": list(group.values), "rows": len(group.rows), "cost_usd": _amount(group.cost)}

    return {"column": grouping.column, "groups": list(map(told, grouping.groups)), "without": told(grouping.without)}


def _change(change: Change) -> dict[str, Any]:
    return {"before_usd": _amount(change.before), "now_usd": _amount(change.now), "change_usd": _amount(change.amount)}


def _budget(state: BudgetState) -> dict[str, Any]:
    subject = state.budget.subject
    return {
        "kind": subject.kind,
        "column": subject.column or None,
        "name": subject.name or None,
        "budget_usd": _amount(state.budget.amount),
        "spent_usd": _amount(state.spent),
        "standing": state.standing,
        "day": None if state.day is None else str(state.day),
        "known": state.is_known,
    }


def _surprise(surprise: Surprise) -> dict[str, Any]:
    return {
        "provider": surprise.row.provider,
        "row": surprise.row.title,
        "key": surprise.row.key,
        "day": None if surprise.day is None else str(surprise.day),
        "cost_usd": _amount(surprise.cost),
        "usual_usd": _amount(surprise.usual),
        "model": surprise.model or None,
    }


def _amount(amount: Decimal | None) -> str | None:
    return None if amount is None else dollars(amount)

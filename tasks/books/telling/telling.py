"""After a month was collected: warnings of budgets in the log, alerts, and the digest, where settings want them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from archive.opening import open_claims
from notion.workspace import Workspace
from reports.currency import Rates
from reports.digest import MOST_COLUMNS, Digest, alarm_line, digest_lines, make_digest
from reports.grouping import choose_columns
from reports.ledger import Ledger
from reports.planning.budgets import Budgets
from reports.planning.outlook import look_ahead
from reports.planning.surprises import MONTHS_BACK
from tasks.books.gather import gather
from tasks.books.rates import gather_rates
from tasks.books.related import with_titles
from tasks.books.telling.addresses import Addresses
from tasks.books.telling.delivery import Delivery, News, deliver
from tasks.books.telling.occasions import is_news, of_budget, of_digest, of_digest_asked_for
from tasks.books.telling.styles import CHAT, PLAIN
from tasks.books.telling.wishes import Wishes, read_wishes
from usage.errors import LlmUsageError, SettingsError
from usage.language.saying import say
from usage.language.words import Words
from usage.month import Month
from usage.settings import Settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """A digest and what it was made from."""

    digest: Digest
    words: Words

    @property
    def title(self) -> str:
        """Of its message."""
        return self.words("AI usage: {month}", month=self.words.month(self.digest.month))

    def text(self, run_url: str = "") -> str:
        """For mails and chats."""
        return "\n".join(digest_lines(self.digest, self.words, CHAT, run_url))


def tell_month(settings: Settings, workspace: Workspace, month: Month, run_url: str = "") -> None:
    """Tell what there is to tell of a month that was just collected; each thing once.

    Nothing is read for it where neither budgets nor addresses are set, or the month is an old one. Whatever goes wrong
    is a warning: the figures are written.

    Args:
        settings: All settings.
        workspace: The two databases.
        month: The month.
        run_url: Page of the run, where people can open it.
    """
    if not is_news(month, settings.now()):
        return
    wishes = read_wishes(settings)
    for sentence in wishes.amiss:
        _log.warning("%s", sentence)
    if not wishes.budgets and wishes.addresses is None:
        return
    try:
        ledger = gather(settings, workspace, months_for(month, whole=wishes.addresses is not None))
        _tell(settings, workspace, ledger, month, wishes=wishes, run_url=run_url)
    except LlmUsageError as error:
        _log.warning("%s: nobody was told of this month: %s", month, error)


def months_for(month: Month, *, whole: bool = True) -> Sequence[Month]:
    """A month and those before it that a digest looks at; without `whole` those that budgets do."""
    found = [month]
    while len(found) <= (MONTHS_BACK if whole else 1):
        found.append(found[-1].previous())
    return found


def digest_of(
    settings: Settings,
    workspace: Workspace,
    ledger: Ledger,
    month: Month,
    *,
    budgets: Budgets,
    rates: Rates,
    by: Sequence[str] = (),
) -> Digest:
    """The digest of a month.

    Args:
        settings: All settings.
        workspace: The two databases.
        ledger: The months of `months_for`.
        month: The month.
        budgets: All budgets.
        rates: The second currency.
        by: People's own columns to tell it by. None: the first of those that follow a project into a new month.

    Raises:
        SettingsError: No row has anything in a column of that name, or they are too many for ten lines.
        NotionError: Notion can't be read.
    """
    if len(set(by)) > MOST_COLUMNS:
        raise SettingsError(say("--by: {most_columns} columns have room in ten lines", most_columns=MOST_COLUMNS))
    rows = ledger.month(month).rows
    columns = choose_columns(rows, by, settings.reports.carry_columns) if rows else ()
    columns = columns if by else columns[:1]
    told = with_titles(workspace, ledger, {*columns, *budgets.columns})
    return make_digest(told, month, budgets, by=columns, rates=rates)


def _tell(
    settings: Settings, workspace: Workspace, ledger: Ledger, month: Month, *, wishes: Wishes, run_url: str
) -> None:
    budgets, addresses = wishes.budgets, wishes.addresses
    words = Words(settings.reports.language)
    alarming = look_ahead(with_titles(workspace, ledger, budgets.columns), month, budgets).alarming
    for state in alarming:
        _log.warning("%s: %s", month, alarm_line(state, words, PLAIN))
    if addresses is None:
        return
    claims = open_claims(settings)
    if alarming:
        news = [News(of_budget(month, state), alarm_line(state, words, CHAT)) for state in alarming]
        title = words("AI usage: budget")
        _say("An alert of a budget", month, deliver(title, news, addresses.all, claims))
    occasion = of_digest(month, ledger.month(month).state(ledger.now), ledger.now, addresses.weekly)
    if occasion is not None:
        digest = digest_of(settings, workspace, ledger, month, budgets=budgets, rates=_rates(settings, month))
        told = Told(digest, words)
        _say("The digest", month, deliver(told.title, [News(occasion, told.text(run_url))], addresses.all, claims))


def _rates(settings: Settings, month: Month) -> Rates:
    """The second currency; none where a file of rates can't be used, which is a warning."""
    try:
        return gather_rates(settings, [month])
    except SettingsError as error:
        _log.warning("%s: the digest is told in US dollars only: %s", month, error)
        return Rates()


def _say(what: str, month: Month, delivery: Delivery) -> None:
    if delivery.sent:
        _log.info("%s: %s was sent to %d addresses.", month, what, delivery.sent)
    for sentence in delivery.failures:
        _log.warning("%s: %s was not sent to %s. The next run tries again.", month, what, sentence)


def send_digest(settings: Settings, told: Told, addresses: Addresses, *, again: bool) -> Delivery:
    """Send a digest that a person asked for.

    Args:
        settings: All settings.
        told: The digest.
        addresses: Whom.
        again: Also those who had it.

    Raises:
        ArchiveError: Nobody can know what was sent before.
    """
    occasion = of_digest_asked_for(told.digest.month, told.digest.state, told.digest.now)
    news = [News(occasion, told.text())]
    return deliver(told.title, news, addresses.all, open_claims(settings), again=again)

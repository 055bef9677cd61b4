"""The rates of a report's second currency: from a file of the user's, the archive, or the European Central Bank.

The bank is asked once for all months that lack a rate, and never for a month that is not over. Whatever goes wrong
there costs the second currency alone: reports come in US dollars.
"""

from __future__ import annotations

import csv
import io
import logging
import re
import time
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from archive.beside.rates import KeptRate, RateBook
from reports.currency import USD, NoRate, Rate, Rates, RateSource
from usage.errors import ArchiveError, SettingsError
from usage.language.saying import say, together
from usage.machine.network import asks_directly
from usage.month import Month
from usage.peers.bodies import ENCODINGS, Body, TooLargeError, UnreadableError
from usage.settings import Settings

if TYPE_CHECKING:
    from reports.page.figures.report import Report
    from reports.page.telling.amounts import SecondCurrency
    from usage.language.words import Words

_SERIES: Final = "EXR/M.USD.EUR.SP00.A"
"""Monthly (M) US dollars for one euro: the average (A) of the bank's reference rates (SP00)."""
_TIMEOUT: Final = httpx.Timeout(10.0, connect=5.0)
_DEADLINE: Final = 20.0
"""Seconds for the whole answer."""
_LARGEST: Final = 1024 * 1024
"""Bytes of an answer; a month is one line of 60."""
_NUMBER: Final = re.compile(r"\d{1,6}(?:[.,]\d{1,12})?")
_log: Final = logging.getLogger(__name__)


def gather_rates(settings: Settings, months: Iterable[Month]) -> Rates:
    """The second currency that the settings name, with the rates of some months; nothing is asked without one.

    Raises:
        SettingsError: The file of rates can't be read.
    """
    reports, months = settings.reports, sorted(set(months))
    if reports.currency == USD:
        return Rates()
    if reports.rates_file is not None:
        found = read_rates_file(reports.rates_file, reports.currency)
        missing = {month: NoRate.NOT_IN_FILE for month in months if month not in found}
        return Rates(reports.currency, {month: found[month] for month in months if month in found}, missing)
    running = [month for month in months if month.is_running(settings.now())]
    rates, missing = _of_the_bank(settings, [month for month in months if month not in running])
    return Rates(reports.currency, rates, missing | dict.fromkeys(running, NoRate.RUNNING))


def known_rates(settings: Settings, months: Iterable[Month]) -> Rates:
    """The same as far as it is known without asking the bank, for what must not cost a request.

    A file that can't be read is a warning. Months without a rate are not looked into: nothing is said of them.
    """
    reports, months = settings.reports, sorted(set(months))
    if reports.currency == USD:
        return Rates()
    if reports.rates_file is None:
        closed = [month for month in months if not month.is_running(settings.now())]
        return Rates(reports.currency, _kept(_book(settings), reports.currency, closed))
    try:
        return gather_rates(settings, months)
    except SettingsError as error:
        _log.warning("%s", error)
        return Rates(reports.currency)


def second_currency(settings: Settings, report: Report, words: Words) -> SecondCurrency | None:
    """The second currency of a page, with the rates of the months that it shows; None where none is wanted.

    Raises:
        SettingsError: The file of rates can't be read.
    """
    if settings.reports.currency == USD:
        return None
    from reports.page.telling.amounts import SecondCurrency  # noqa: PLC0415  # Babel is slow to import

    months = [one.month for one in report.months if one.total is not None]
    rates = gather_rates(settings, months)
    sentences = rates.sentences(words, months)
    return SecondCurrency(rates.currency, lambda usd, month: rates.both(usd, month).other, sentences)


# -- a file


def read_rates_file(path: Path, currency: str) -> dict[Month, Rate]:
    """Rates in a CSV with the columns `month` and `rate`, US dollars for one unit of the currency.

    Raises:
        SettingsError: It can't be read; the message lists the lines that are wrong.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(say("EUR_RATES_FILE: the file can't be read as a text in UTF-8")) from None
    found: dict[Month, Rate] = {}
    wrong = []
    # A decimal comma needs semicolons between the columns, as French spreadsheets write them.
    delimiter = ";" if ";" in "".join(lines[:1]) else ","
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
    if not rows or [cell.lower() for cell in rows[0][:2]] != ["month", "rate"]:
        raise SettingsError(say("EUR_RATES_FILE: the first line has to be month,rate"))
    for number, row in enumerate(rows[1:], 2):
        if not any(row):
            continue
        month, rate = _month(row[0]), _decimal(row[1] if len(row) > 1 else "")
        if month is None or rate is None or month in found:
            wrong.append(
                say(
                    "EUR_RATES_FILE: line {number_} is not a month of its own and a rate, like 2026-01,1.1706",
                    number_=number,
                )
            )
        else:
            found[month] = Rate(month, currency, rate, RateSource.FILE)
    if wrong:
        raise SettingsError(together(wrong[:10], between="\n"))
    return found


def _month(text: str) -> Month | None:
    try:
        return Month.parse(text)
    except SettingsError:
        return None


def _decimal(text: str) -> Decimal | None:
    """A rate above 0; None for anything else."""
    if _NUMBER.fullmatch(text) is None:
        return None
    return Decimal(text.replace(",", ".")) or None


# -- the European Central Bank


def _of_the_bank(settings: Settings, months: list[Month]) -> tuple[dict[Month, Rate], dict[Month, NoRate]]:
    """Rates of months that are over, and why some have none."""
    currency = settings.reports.currency
    book = _book(settings)
    rates = _kept(book, currency, months)
    left = [month for month in months if month not in rates]
    if not left:
        return rates, {}
    answer = _ask(settings.reports.ecb_base_url, left[0], left[-1])
    if isinstance(answer, NoRate):
        return rates, dict.fromkeys(left, answer)
    told = read_answer(answer)
    if told is None:
        return rates, dict.fromkeys(left, NoRate.UNREADABLE)
    for month in left:
        if month in told:
            now = settings.now()
            rates[month] = Rate(month, currency, told[month], RateSource.ECB, now.date())
            _keep(book, KeptRate(month=month, currency=currency, rate=told[month], answer=answer, read_at=now))
    return rates, {month: NoRate.NOT_PUBLISHED for month in left if month not in told}


def _book(settings: Settings) -> RateBook | None:
    from archive.opening import open_rates  # noqa: PLC0415  # a third of a second, and seldom asked for

    try:
        return open_rates(settings)
    except ArchiveError as error:
        _log.warning("%s Exchange rates are asked for anew each time.", error)
        return None


def _kept(book: RateBook | None, currency: str, months: Iterable[Month]) -> dict[Month, Rate]:
    if book is None:
        return {}
    try:
        kept = [one for month in months if (one := book.read(currency, month)) is not None]
    except ArchiveError as error:
        _log.warning("%s Exchange rates are asked for anew.", error)
        return {}
    return {one.month: Rate(one.month, currency, one.rate, RateSource.ECB, _day(one)) for one in kept}


def _day(kept: KeptRate) -> date:
    return kept.read_at.date()


def _keep(book: RateBook | None, rate: KeptRate) -> None:
    if book is None:
        return
    try:
        book.keep(rate)
    except ArchiveError as error:
        _log.warning("%s The exchange rate of %s is not kept.", error, rate.month)


def _ask(address: str, first: Month, last: Month) -> str | NoRate:
    """The bank's answer for a range of months, or why there is none."""
    question = {"startPeriod": str(first), "endPeriod": str(last), "format": "csvdata", "detail": "dataonly"}
    ends = time.monotonic() + _DEADLINE
    try:
        with (
            httpx.Client(
                timeout=_TIMEOUT,
                follow_redirects=False,
                trust_env=not asks_directly(address),
                headers={"Accept-Encoding": ENCODINGS},
            ) as client,
            client.stream("GET", f"{address}/data/{_SERIES}", params=question) as response,
        ):
            if response.status_code == httpx.codes.NOT_FOUND:
                # So the bank says that it has nothing for these months.
                return NoRate.NOT_PUBLISHED
            if not response.is_success:
                _log.warning("The European Central Bank answers with status %d.", response.status_code)
                return NoRate.UNREACHABLE
            body = Body(response.headers.get("Content-Encoding", ""), _LARGEST)
            for piece in response.iter_raw():
                body.add(piece)
                if time.monotonic() > ends:
                    return NoRate.UNREACHABLE
            return body.content().decode("utf-8-sig", errors="replace")
    except (TooLargeError, UnreadableError):
        return NoRate.UNREADABLE
    except httpx.HTTPError as error:
        _log.warning("The European Central Bank can't be reached (%s).", type(error).__name__)
        return NoRate.UNREACHABLE


def read_answer(text: str) -> Mapping[Month, Decimal] | None:
    """Rates in the bank's CSV, by month; None where it is none. Months without a value are left out."""
    found: dict[Month, Decimal] = {}
    rows = csv.DictReader(io.StringIO(text))
    if not {"KEY", "TIME_PERIOD", "OBS_VALUE"} <= set(rows.fieldnames or ()):
        return None
    try:
        lines = list(rows)
    except csv.Error:
        return None
    for line in lines:
        if line["KEY"] != _SERIES.replace("/", "."):
            continue
        month, rate = _month(line["TIME_PERIOD"] or ""), _decimal(line["OBS_VALUE"] or "")
        if month is not None and rate is not None and month not in found:
            found[month] = rate
    return found

"""Stand-in for the European Central Bank's data API: one series, the monthly average of US dollars for one euro."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.shared.standin import Clock, now

SERIES: Final = "M.USD.EUR.SP00.A"
_COLUMNS: Final = ("KEY", "FREQ", "CURRENCY", "CURRENCY_DENOM", "EXR_TYPE", "EXR_SUFFIX", "TIME_PERIOD", "OBS_VALUE")
_MORE: Final = ("OBS_STATUS", "UNIT", "TITLE_COMPL")
"""Some of what an answer has beside its data, unless it is asked for the data alone."""
_BANKING_DAYS: Final = 22
_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


class EcbApi:
    """The series, as far as it is published: a month's average comes when the month is over.

    Args:
        clock: The stand-in's clock.
    """

    name = "ecb"
    mount = "/ecb/service"

    def __init__(self, clock: Clock = now) -> None:
        self._clock = clock
        self.rates: dict[str, str] = {}
        """Rates in place of the made-up ones, by month; an empty one is a month without a value."""

    @property
    def app(self) -> Starlette:
        """One route."""
        return Starlette(routes=[Route("/data/EXR/{series}", self._data)])

    def environment(self, base_url: str) -> dict[str, str]:
        """See `sandbox.server.Api`."""
        return {"ECB_BASE_URL": base_url}

    def rate(self, month: str) -> str | None:
        """US dollars for one euro; None for a month that is not over."""
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=self._clock().tzinfo)
        if (first.year, first.month) >= (self._clock().year, self._clock().month):
            return None
        made_up = Decimal("1.05") + Decimal(((first.year * 12 + first.month) * 7919) % 1500) / 10_000
        # An average of daily rates, with as many decimals as the bank writes.
        average = (made_up * _BANKING_DAYS + Decimal("0.0007")) / _BANKING_DAYS
        return self.rates.get(month, f"{average:.16f}")

    async def _data(self, request: Request) -> Response:
        question = request.query_params
        if request.path_params["series"] != SERIES:
            return PlainTextResponse("No results found.", status_code=404)
        if question.get("format") != "csvdata":
            return PlainTextResponse("Not Acceptable", status_code=406)
        first, last = question.get("startPeriod", "1999-01"), question.get("endPeriod", f"{self._clock():%Y-%m}")
        if not (_MONTH.fullmatch(first) and _MONTH.fullmatch(last)):
            return PlainTextResponse("Invalid date format.", status_code=400)
        found = [(month, rate) for month in _months(first, last) if (rate := self.rate(month)) is not None]
        if not found:
            return PlainTextResponse("No results found.", status_code=404)
        more = () if question.get("detail") == "dataonly" else _MORE
        facts = ("A", "USD", '"Average of observations through period, US dollar/Euro"') if more else ()
        lines = [",".join((*_COLUMNS, *more))]
        lines += [
            ",".join((f"EXR.{SERIES}", "M", "USD", "EUR", "SP00", "A", month, rate, *facts)) for month, rate in found
        ]
        return PlainTextResponse("\r\n".join(lines) + "\r\n", media_type="text/csv")


def _months(first: str, last: str) -> list[str]:
    numbers = [int(month[:4]) * 12 + int(month[5:]) - 1 for month in (first, last)]
    return [f"{number // 12}-{number % 12 + 1:02d}" for number in range(numbers[0], numbers[1] + 1)]

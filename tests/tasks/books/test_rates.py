"""Rates of months: from the stand-in of the European Central Bank, from the archive, from a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reports.currency import NoRate, Rates, RateSource
from sandbox.faults import Fault, Kind
from sandbox.server import Server
from sandbox.shared.ecb import EcbApi
from tasks.books.rates import gather_rates, known_rates, read_answer
from usage.errors import SettingsError
from usage.month import Month
from usage.settings import load_settings

NOW = datetime(2026, 2, 14, 15, 30, tzinfo=UTC)
NOVEMBER, DECEMBER, JANUARY, FEBRUARY = Month(2025, 11), Month(2025, 12), Month(2026, 1), Month(2026, 2)
HEAD = "KEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE"
LINE = "EXR.M.USD.EUR.SP00.A,M,USD,EUR,SP00,A,{},{}"


class Bank(EcbApi):
    """The stand-in, and what it is asked with."""

    server: Server
    folder: Path

    def ask(self, *months: Month, **variables: str) -> Rates:
        given = {
            "REPORT_CURRENCY": "EUR",
            "LLM_USAGE_ARCHIVE": str(self.folder / "archive"),
            "LLM_USAGE_NOW": NOW.isoformat(),
        }
        return gather_rates(load_settings(self.server.environment() | given | variables, None), months)

    @property
    def asked(self) -> int:
        return len(self.server.journal.requests())


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    bank = Bank(lambda: NOW)
    with Server([bank]) as server:
        bank.server, bank.folder = server, tmp_path
        yield bank


def test_a_month_is_asked_for_once_and_stays_as_it_was(bank: Bank) -> None:
    bank.rates = {"2025-12": "1.1706", "2026-01": "1.1734142857"}
    for number in (1, 2):
        found = bank.ask(JANUARY, DECEMBER)
        assert bank.asked == 1, number
        assert {month: str(rate.rate) for month, rate in found.rates.items()} == {
            DECEMBER: "1.1706",
            JANUARY: "1.1734142857",
        }
        assert {rate.source for rate in found.rates.values()} == {RateSource.ECB}
        assert {rate.as_of for rate in found.rates.values()} == {date(2026, 2, 14)}
        bank.rates = {"2025-12": "9", "2026-01": "9"}
    (request,) = bank.server.journal.requests()
    assert (request.method, request.path) == ("GET", "/data/EXR/M.USD.EUR.SP00.A")
    assert request.query == "startPeriod=2025-12&endPeriod=2026-01&format=csvdata&detail=dataonly"
    # Only what is not kept.
    assert bank.ask(NOVEMBER, DECEMBER).rates.keys() == {NOVEMBER, DECEMBER}
    assert "startPeriod=2025-11&endPeriod=2025-11" in bank.server.journal.requests()[-1].query


def test_a_running_month_is_not_asked_for(bank: Bank) -> None:
    assert bank.ask(FEBRUARY).missing == {FEBRUARY: NoRate.RUNNING}
    assert bank.asked == 0


def test_nothing_is_asked_without_a_second_currency(bank: Bank) -> None:
    assert bank.ask(JANUARY, REPORT_CURRENCY="USD") == Rates()
    assert bank.asked == 0


@pytest.mark.parametrize("value", ["", "-1", "0", "abc", "1e5", "NaN"])
def test_a_month_without_a_value_is_not_published(bank: Bank, value: str) -> None:
    bank.rates = {"2026-01": value}
    found = bank.ask(DECEMBER, JANUARY)
    assert list(found.rates) == [DECEMBER]
    assert found.missing == {JANUARY: NoRate.NOT_PUBLISHED}
    bank.rates = {}
    # It comes later, and is asked for again.
    assert bank.ask(DECEMBER, JANUARY).missing == {}


TROUBLE: dict[str, tuple[Callable[[], Fault], NoRate]] = {
    "status": (lambda: Fault("ecb", Kind.STATUS, status=503), NoRate.UNREACHABLE),
    "cut": (lambda: Fault("ecb", Kind.CUT_BEFORE), NoRate.UNREACHABLE),
    "half": (lambda: Fault("ecb", Kind.TRUNCATE), NoRate.UNREACHABLE),
    "nothing": (lambda: Fault("ecb", Kind.STATUS, status=404), NoRate.NOT_PUBLISHED),
    "html": (lambda: Fault("ecb", Kind.STATUS, status=200, body=b"<html>maintenance</html>"), NoRate.UNREADABLE),
    "large": (lambda: Fault("ecb", Kind.STATUS, status=200, body=b"x" * 1_100_000), NoRate.UNREADABLE),
    "moved": (lambda: Fault("ecb", Kind.STATUS, status=302), NoRate.UNREACHABLE),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_trouble_costs_the_second_currency_alone(bank: Bank, name: str) -> None:
    fault, why = TROUBLE[name]
    bank.server.faults.add(fault())
    found = bank.ask(JANUARY)
    assert (found.rates, found.missing) == ({}, {JANUARY: why})
    assert bank.asked == 1
    bank.server.faults.clear()
    assert bank.ask(JANUARY).missing == {}


def test_a_server_that_is_not_there(bank: Bank) -> None:
    assert bank.ask(JANUARY, ECB_BASE_URL="http://127.0.0.1:9").missing == {JANUARY: NoRate.UNREACHABLE}


def test_without_an_archive_it_is_asked_each_time(bank: Bank) -> None:
    for number in (1, 2):
        assert bank.ask(JANUARY, LLM_USAGE_ARCHIVE="off").rates.keys() == {JANUARY}
        assert bank.asked == number


def test_an_archive_that_refuses_hinders_nothing(bank: Bank, caplog: pytest.LogCaptureFixture) -> None:
    (bank.folder / "archive").write_text("no folder")
    assert bank.ask(JANUARY).rates.keys() == {JANUARY}
    assert "asked for anew" in caplog.text


@pytest.mark.parametrize("damage", [b"{", b"{}", b'{"month":"2026-01","currency":"EUR","rate":"-1"}'])
def test_a_kept_rate_that_is_damaged_is_asked_for_anew(bank: Bank, damage: bytes) -> None:
    bank.ask(JANUARY)
    (file,) = (bank.folder / "archive" / "rates").rglob("*.json")
    assert file.relative_to(bank.folder).as_posix() == "archive/rates/EUR/2026-01.json"
    file.write_bytes(damage)
    assert bank.ask(JANUARY).rates.keys() == {JANUARY}
    assert bank.asked == 2
    assert b"1." in file.read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "month,rate\n2026-01,1.1706\n",
        "\ufeffMonth;Rate\r\n2026-01;1,1706\r\n\r\n",
        "month,rate,note\n2026-01, 1.1706 ,x\n",
    ],
)
def test_a_file_takes_the_place_of_the_bank(bank: Bank, text: str) -> None:
    (bank.folder / "rates.csv").write_text(text, "utf-8")
    found = bank.ask(DECEMBER, JANUARY, EUR_RATES_FILE=str(bank.folder / "rates.csv"))
    assert (found.rates[JANUARY].rate, found.rates[JANUARY].source) == (Decimal("1.1706"), RateSource.FILE)
    assert found.missing == {DECEMBER: NoRate.NOT_IN_FILE}
    assert bank.asked == 0


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("2026-01,1.17\n", "the first line has to be month,rate"),
        ("", "the first line"),
        ("month,rate\n2026-13,1.17\n", "line 2"),
        ("month,rate\n2026-01,0\n", "line 2"),
        ("month,rate\n2026-01,1.17\n2026-01,1.18\n", "line 3"),
        ("month,rate\n2026-01\n", "line 2"),
        ("month,rate\n2026-01,-1.1\n2026-02,1e3\n", "line 3"),
        ("month,rate\n2026-01,١.٢\n", "line 2"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(bank: Bank, text: str, line: str) -> None:
    (bank.folder / "rates.csv").write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=line):
        bank.ask(JANUARY, EUR_RATES_FILE=str(bank.folder / "rates.csv"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{HEAD}\n{LINE.format('2026-01', '1.17')}\n", {JANUARY: Decimal("1.17")}),
        (f"{HEAD},OBS_STATUS\n{LINE.format('2026-01', '1.17')},A\n", {JANUARY: Decimal("1.17")}),
        (f"{HEAD}\nEXR.M.GBP.EUR.SP00.A,M,GBP,EUR,SP00,A,2026-01,0.87\n", {}),
        (f"{HEAD}\n{LINE.format('2026-01-05', '1.17')}\n", {}),
        (f"{HEAD}\nshort\n", {}),
        (HEAD, {}),
        (f"{HEAD}\n{LINE.format('2026-01', '1.1417478260869562')}\n", {JANUARY: Decimal("1.1417478260869562")}),
        (f"{HEAD}\n{LINE.format('2026-01', '١.٢')}\n", {}),
        ("", None),
        ("a,b\n1,2\n", None),
    ],
)
def test_reading_an_answer(text: str, expected: Any) -> None:
    assert read_answer(text) == expected


def test_what_must_not_cost_a_request_asks_nobody(bank: Bank, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def known(*months: Month, **variables: str) -> Rates:
        given = {
            "REPORT_CURRENCY": "EUR",
            "LLM_USAGE_ARCHIVE": str(bank.folder / "archive"),
            "LLM_USAGE_NOW": NOW.isoformat(),
        }
        return known_rates(load_settings(bank.server.environment() | given | variables, None), months)

    assert known(JANUARY, FEBRUARY) == Rates("EUR")
    kept = bank.ask(JANUARY)
    asked = bank.asked
    assert known(JANUARY, DECEMBER, FEBRUARY).rates == kept.rates
    assert known(JANUARY, LLM_USAGE_ARCHIVE="off") == Rates("EUR")
    assert known(JANUARY, REPORT_CURRENCY="USD") == Rates()
    path = tmp_path / "rates.csv"
    path.write_text("month,rate\n2026-02,1.2\n")
    assert known(FEBRUARY, EUR_RATES_FILE=str(path)).rates[FEBRUARY].rate == Decimal("1.2")
    path.write_text("month,rate\n2026-02,cheap\n")
    assert known(FEBRUARY, EUR_RATES_FILE=str(path)) == Rates("EUR")
    assert "EUR_RATES_FILE: line 2 is not a month" in caplog.text
    assert bank.asked == asked

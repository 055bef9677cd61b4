"""The stand-in of the European Central Bank answers as the bank does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from sandbox.server import Server
from sandbox.shared.ecb import EcbApi

SERIES = "/data/EXR/M.USD.EUR.SP00.A"
HEAD = "KEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with Server([EcbApi(lambda: datetime(2026, 2, 14, tzinfo=UTC))]) as server:
        yield server.environment()["ECB_BASE_URL"]


def ask(address: str, path: str = SERIES, **params: str) -> httpx.Response:
    return httpx.get(f"{address}{path}", params={"format": "csvdata"} | params, trust_env=False)


def test_months_that_are_over_have_an_average(address: str) -> None:
    answer = ask(address, startPeriod="2025-12", endPeriod="2026-03", detail="dataonly")
    assert answer.headers["Content-Type"].startswith("text/csv")
    head, *lines = answer.text.splitlines()
    assert head == HEAD
    assert [line.rpartition(",")[0] for line in lines] == [
        f"EXR.M.USD.EUR.SP00.A,M,USD,EUR,SP00,A,{month}" for month in ("2025-12", "2026-01")
    ]
    values = [line.rpartition(",")[2] for line in lines]
    # The bank's averages have more decimals than a price has.
    assert all(0.9 < float(value) < 1.4 and len(value) == len("1.1417478260869562") for value in values)
    assert ask(address, startPeriod="2026-01", endPeriod="2026-01").text.startswith(f"{HEAD},OBS_STATUS")


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        (SERIES, {"startPeriod": "2026-02", "endPeriod": "2026-02"}, 404),
        ("/data/EXR/M.CHF.EUR.SP00.A", {}, 404),
        (SERIES, {"startPeriod": "January"}, 400),
        (SERIES, {"format": "pdf"}, 406),
    ],
)
def test_what_it_does_not_have(address: str, path: str, params: dict[str, str], status: int) -> None:
    assert ask(address, path, **params).status_code == status

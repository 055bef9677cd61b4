"""The picture in the reports: well-formed, everything inside its frame, heights that fit the amounts."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.pages.chart import as_address, chart
from tests.tasks.pages.results import make_costs
from usage.language.choice import Language
from usage.language.words import Words
from usage.month import Month
from usage.names import ProviderName

SVG = "{http://www.w3.org/2000/svg}"
AMOUNTS = st.decimals(min_value=-(10**9), max_value=10**9, places=6)


def picture(costs: Mapping[Month, Mapping[ProviderName, Decimal]], months: list[Month]) -> Xml.Element:
    return Xml.fromstring(chart(costs, months, Words(Language.EN)))  # noqa: S314  # our own


def columns(svg: Xml.Element) -> list[dict[str, float]]:
    """The parts of all columns; unlike the legend's they have a title."""
    names = ("x", "y", "width", "height")
    return [{n: float(r.attrib[n]) for n in names} for r in svg.iter(f"{SVG}rect") if r.find(f"{SVG}title") is not None]


def texts(svg: Xml.Element) -> list[str]:
    return [text.text or "" for text in svg.iter(f"{SVG}text")]


@given(number=st.integers(0, 40), data=st.data())
def test_whatever_the_amounts_all_is_inside_the_frame(number: int, data: st.DataObject) -> None:
    months = list(Month(2023, 1).until(Month(2023 + number // 12, number % 12 + 1)))
    services = st.dictionaries(st.sampled_from(ProviderName), AMOUNTS)
    svg = picture(data.draw(st.dictionaries(st.sampled_from(months), services)), months)
    width, height = float(svg.attrib["width"]), float(svg.attrib["height"])
    for part in columns(svg):
        assert part["x"] >= 0
        # Below the legend, and rounded to a tenth.
        assert part["y"] >= 40
        assert part["x"] + part["width"] <= width
        assert part["y"] + part["height"] <= height - 35
    for text in svg.iter(f"{SVG}text"):
        assert 0 <= float(text.attrib["x"]) <= width
        assert 12 <= float(text.attrib["y"]) <= height


def test_a_column_is_as_high_as_its_cost() -> None:
    known = make_costs(m2025_12={"openai": "30", "deepgram": "10"}, m2026_01={"openai": "60", "deepgram": "20"})
    svg = picture(known, [Month(2025, 11), Month(2025, 12), Month(2026, 1)])
    first, second, third, fourth = columns(svg)
    assert first["height"] == pytest.approx(second["height"] * 3, abs=0.2)
    assert third["height"] == pytest.approx(first["height"] * 2, abs=0.2)
    # One on top of the other, both months on the same line.
    assert second["y"] + second["height"] == pytest.approx(first["y"], abs=0.2)
    assert first["y"] + first["height"] == pytest.approx(third["y"] + third["height"], abs=0.2)
    assert fourth["x"] == third["x"] > first["x"]
    shown = texts(svg)
    assert {"2025-11", "2025-12", "2026-01", "40.00", "80.00"} <= set(shown)
    # Of a month that nothing is known of there is no amount, not even 0.
    assert "0.00" not in shown


def test_a_credit_lowers_the_total_and_not_the_column() -> None:
    svg = picture(make_costs(m2026_01={"openai": "100", "anthropic": "-90"}), [Month(2026, 1)])
    (only,) = columns(svg)
    assert "10.00" in texts(svg)
    (total,) = [text for text in svg.iter(f"{SVG}text") if text.text == "10.00"]
    assert float(total.attrib["y"]) < only["y"]


@pytest.mark.parametrize(("number", "named"), [(1, 1), (12, 12), (24, 12), (60, 12)])
def test_months_are_named_where_there_is_room(number: int, named: int) -> None:
    months = list(Month(2021, 1).until(Month(2020 + (number + 11) // 12, (number - 1) % 12 + 1)))
    assert len(months) == number
    svg = picture({month: {ProviderName.OPENAI: Decimal(1)} for month in months}, months)
    labels = [text for text in svg.iter(f"{SVG}text") if text.text in {str(month) for month in months}]
    assert len(labels) == named
    assert labels[-1].text == str(months[-1])
    assert texts(svg).count("1.00") == named
    assert len(columns(svg)) == number
    places = [float(label.attrib["x"]) for label in labels]
    assert all(right - left >= 50 for left, right in pairwise(places))


def test_the_legend_names_every_service_in_its_colour() -> None:
    svg = picture({}, [Month(2026, 1)])
    assert [text for text in texts(svg) if text[0].isalpha()][1:] == [provider.label for provider in ProviderName]
    drawn = [rect.attrib["fill"] for rect in svg.iter(f"{SVG}rect")][1:]
    assert drawn == [provider.spec.colour for provider in ProviderName]
    assert len(set(drawn)) == len(ProviderName)


def test_the_address_holds_the_picture() -> None:
    svg = chart({}, [Month(2026, 1)], Words(Language.EN))
    kind, _, data = as_address(svg).partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(data).decode() == svg

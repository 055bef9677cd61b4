from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, cast

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from providers.openai.endpoints import COSTS, FAMILIES
from providers.openai.parse import CostPage, UsagePage
from providers.openai.reports import CostSink, UsageSink
from providers.shared.answers import Answer, parse
from usage.errors import ContractError
from usage.language.sentence import Sentence
from usage.month import Month
from usage.peers import quick
from usage.peers.bodies import DIGITS_LIMIT, UnreadableError
from usage.peers.pieces import elements

JANUARY = Month(2026, 1)
START = int(JANUARY.start.timestamp())


class Literal(float):
    """A number in the JSON, written as it says."""

    def __new__(cls, text: str) -> Literal:
        number = super().__new__(cls, 1.5)
        number.text = text
        return number

    text: str

    def __repr__(self) -> str:
        return self.text


def written(value: Any) -> bytes:
    text: str = json.dumps(value, ensure_ascii=False, default=str)

    def literals(found: Any) -> Iterator[str]:
        if isinstance(found, Literal):
            yield found.text
        elif isinstance(found, dict | list):
            for one in found.values() if isinstance(found, dict) else found:
                yield from literals(one)

    # `json` writes a float by `float.__repr__`.
    for literal in literals(value):
        text = text.replace("1.5", literal, 1)
    return text.encode("utf-8", "surrogatepass")


NUMBERS = st.sampled_from(
    [
        *("0.1", "1e-7", "12.3456789012345678901234567890", "-0.0", "0E+30", "1E+5", "1e999"),
        *("123456789012345678901234567890", "18446744073709551616", "-3", "0"),
    ]
).map(Literal)
WORDS = st.sampled_from(["proj_a", "usd", "eur", "tokens", "0.10", "NaN", "é", "a@b.cd", "\ud83d", "\x00", ""])
ODD = st.one_of(
    NUMBERS, WORDS, st.none(), st.booleans(), st.just([]), st.just({"a": [1]}), st.just([[[]]]), st.integers(0, 9)
)
AMOUNT = st.fixed_dictionaries({"value": NUMBERS | WORDS | ODD}, optional={"currency": WORDS | ODD, "discount": ODD})
COST_LINE = st.fixed_dictionaries(
    {"object": st.just("organization.costs.result"), "amount": AMOUNT | ODD},
    optional=dict.fromkeys(("line_item", "project_id", "quantity", "quantity_unit", "user_id", "fresh"), ODD),
)
USAGE_LINE = st.fixed_dictionaries(
    {name: st.integers(0, 10**17) | ODD for name in ("input_tokens", "output_tokens", "num_model_requests")},
    optional=dict.fromkeys(("model", "project_id", "batch", "fresh"), ODD),
)


def pages(line: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    bucket = st.fixed_dictionaries(
        {"start_time": st.just(START) | st.just(START + 86_400) | ODD, "results": st.lists(line, max_size=4) | ODD},
        optional={"end_time": ODD, "start_time_iso": ODD, "fresh": ODD},
    )
    return st.fixed_dictionaries(
        {"data": st.lists(bucket, max_size=3)}, optional={"has_more": ODD, "next_page": ODD, "fresh": ODD}
    )


def thoroughly(content: bytes, model: Any) -> Iterator[Any]:
    try:
        for piece in elements(content, "data"):
            yield parse(piece, model, COSTS)
    except UnreadableError:
        raise ContractError(Sentence.of("unreadable")) from None


def told(parts: Iterator[Any], sink: Any) -> object:
    """What comes of the parts, or that they break the contract."""
    outline = []
    try:
        for part in parts:
            sink.add(part)
            outline.append((part.has_more, part.next_page, [[one.mark for one in day.results] for day in part.data]))
        figures = sink.figures(by_key=True) if isinstance(sink, CostSink) else sink.figures()
    except ContractError:
        return "contract"
    kept = [(record, str(record.cost), type(record.tokens_input)) for record in figures.records]
    names = figures.names, figures.organisations, figures.rounded, figures.written
    return kept, names, figures.notes.odd, figures.notes.new, figures.notes.read, outline


@given(pages(COST_LINE))
@example({"data": [{"start_time": START, "results": [{"amount": {"value": True}, "quantity": [1]}]}]})
def test_costs_are_what_they_are_without_the_quick_way(page: Any) -> None:
    content = written(page)
    slow = told(thoroughly(content, CostPage), CostSink(JANUARY))
    assert told(Answer(COSTS, 200, httpx.Headers(), content).parts(CostPage, "data"), CostSink(JANUARY)) == slow


@given(pages(USAGE_LINE))
def test_usage_is_what_it_is_without_the_quick_way(page: Any) -> None:
    content = written(page)
    slow = told(thoroughly(content, UsagePage), UsageSink(JANUARY, FAMILIES[0]))
    quickly = Answer(COSTS, 200, httpx.Headers(), content).parts(UsagePage, "data")
    assert told(quickly, UsageSink(JANUARY, FAMILIES[0])) == slow


LINE = '{"object":"organization.costs.result","amount":{"value":%s,"currency":"usd"},"line_item":"gpt-5, input"}'


def body(*values: str) -> bytes:
    lines = ",".join(LINE % value for value in values)
    return f'{{"object":"page","data":[{{"object":"bucket","start_time":{START},"results":[{lines}]}}]}}'.encode()


@pytest.mark.parametrize(
    "text", ["1e-7", "0.1", "12.34567890123456789012345678901234567890", "123456789012345678901234567890", '"0.10"']
)
def test_what_is_as_it_should_be_goes_the_quick_way_exactly(text: str) -> None:
    found = quick.parts(body(text), CostPage, "data")
    assert found is not None
    first, rest = cast(tuple[Any, Any], tuple(found))
    assert type(first) is type(rest)
    value = first.data[0].results[0].amount.value
    assert isinstance(value, str) == text.startswith('"')
    assert Decimal(value) == Decimal(text.strip('"'))
    assert rest.data == []


@pytest.mark.parametrize("value", ["true", "[1]", '{"a":1}', "1e999"])
def test_an_odd_line_is_left_to_the_model(value: str) -> None:
    found = quick.parts(body("1.5", value), CostPage, "data")
    assert found is not None
    assert isinstance(next(found), quick.Odd)


@pytest.mark.parametrize(
    "content",
    [
        b'{"data":[],"data":[]}',
        b'{"data":[],"next_page":' + b"1" * (DIGITS_LIMIT + 1) + b"}",
        b'{"data":[],"fresh":1}',
        b'\xef\xbb\xbf{"data":[]}',
        b'{"data":' + b"[" * 100_000,
        b'{"data":[{"start_time":0,"results":[{"line_item":"\\ud800"}]}]}',
        b"[]",
    ],
    ids=["twice", "many digits", "new field", "mark of order", "deep", "half a character", "a list"],
)
def test_a_page_that_is_not_as_it_should_be_is_read_in_another_way(content: bytes) -> None:
    assert quick.parts(content, CostPage, "data") is None

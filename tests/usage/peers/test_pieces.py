from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.peers import pieces
from usage.peers.bodies import (
    VALUES_LIMIT,
    NotJsonError,
    TooDeepError,
    TooLongNumberError,
    TooManyError,
    UnreadableError,
    decode,
)
from usage.peers.pieces import elements

TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('[]{}",:\\é😀'), max_size=8)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(-9, 9, places=3).map(float) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(params=[1, 2, 7, 2**20])
def window(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts are cut at any place."""
    monkeypatch.setattr(pieces, "_WINDOW", request.param)


def joined(content: bytes) -> tuple[list[Any], Any]:
    """The elements, and what came last."""
    *read, rest = elements(content, "data")
    assert all(isinstance(piece, dict) and list(piece) == ["data"] for piece in read)
    return [element for piece in read for element in piece["data"]], rest  # type: ignore[index]


@pytest.mark.usefixtures("window")
@given(
    before=st.dictionaries(TEXT, VALUE, max_size=2), data=st.lists(VALUE, max_size=4), after=VALUE, tight=st.booleans()
)
def test_the_pieces_are_the_whole(before: dict[str, Any], data: list[Any], after: Any, *, tight: bool) -> None:
    value = {**before, "data": data, "after": after}
    content = json.dumps(value, indent=None if tight else 2, ensure_ascii=tight).encode()
    assert joined(content) == (decode(json.dumps(data).encode()), {**decode(content), "data": []})  # type: ignore[dict-item]


@pytest.mark.usefixtures("window")
@pytest.mark.parametrize("text", ['{"data": {"a": 1}}', '{"data": null, "b": [1]}', "{}", "[1, 22]", " 12 ", '"a"'])
def test_without_the_list_it_comes_in_one_piece(text: str) -> None:
    assert list(elements(text.encode(), "data")) == [decode(text.encode())]


@pytest.mark.usefixtures("window")
def test_halves_of_characters_are_replaced() -> None:
    content = rb'{"data": ["a\ud83d", "\ud83d\ude00", "\\ud800"], "\udc00": 1}'
    assert joined(content) == (["a�", "😀", "\\ud800"], {"data": [], "�": 1})


@pytest.mark.usefixtures("window")
@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", NotJsonError),
        (b'{"data": [1, 2', NotJsonError),
        (b'{"data": [1 2]}', NotJsonError),
        (b'{"data": [1]} {}', NotJsonError),
        (b'{"data": [1], 2: 3}', NotJsonError),
        (b'{"data": [NaN]}', NotJsonError),
        (b'{"data": [' + b"9" * 5000 + b"]}", TooLongNumberError),
        (b'{"data": [{"a": 0.' + b"1" * 5000 + b"}]}", TooLongNumberError),
        (b'{"data": [' + b"[" * 5000 + b"]" * 5000 + b"]}", TooDeepError),
        (b'{"data": [' + b"[]," * VALUES_LIMIT + b"[]]}", TooManyError),
    ],
)
def test_what_can_not_be_read(content: bytes, error: type[UnreadableError]) -> None:
    with pytest.raises(error):
        list(elements(content, "data"))


@pytest.mark.usefixtures("window")
@given(content=st.binary(max_size=30).map(lambda end: b'{"data": [1, ' + end))
def test_whatever_comes_is_read_or_refused(content: bytes) -> None:
    try:
        whole = decode(content)
    except UnreadableError:
        with pytest.raises(UnreadableError):
            list(elements(content, "data"))
    else:
        assert isinstance(whole, dict)
        joined(content)


def test_memory_holds_an_element_and_not_all() -> None:
    content = json.dumps({"data": [[{"id": n} for n in range(20_000)]] * 40}).encode()
    tracemalloc.start()
    for _ in elements(content, "data"):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # All of it at once would be a quarter of a gigabyte.
    assert peak < 80_000_000

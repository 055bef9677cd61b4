from __future__ import annotations

import gzip
import json
import tracemalloc
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.peers.bodies import (
    DEPTH_LIMIT,
    DIGITS_LIMIT,
    VALUES_LIMIT,
    Body,
    NotJsonError,
    TooDeepError,
    TooLargeError,
    TooLongNumberError,
    TooManyError,
    UnreadableError,
    decode,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('[]{}"\\'), max_size=8)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(value=VALUE, ascii_alone=st.booleans())
def test_what_json_says(value: Any, ascii_alone: bool) -> None:
    assert decode(json.dumps(value, ensure_ascii=ascii_alone).encode()) == value


@given(digits=st.decimals(allow_nan=False, allow_infinity=False, places=12))
def test_amounts_keep_their_digits(digits: Decimal) -> None:
    text = format(digits, "f")
    read = decode(text.encode())
    assert isinstance(read, Decimal)
    assert format(read, "f") == text
    assert decode(text.encode(), exact=False) == float(digits)


@given(content=st.binary(max_size=40))
def test_whatever_comes_is_read_or_refused(content: bytes) -> None:
    try:
        decode(content)
    except UnreadableError:
        return


# -- nesting


def nested(levels: int, inner: str = "") -> bytes:
    return ("[{" * (levels // 2)).replace("[{", '[{"a":').encode() + inner.encode() + b"}]" * (levels // 2)


@pytest.mark.parametrize("content", [b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT, nested(DEPTH_LIMIT, "1")])
def test_as_deep_as_is_taken(content: bytes) -> None:
    decode(content)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * (DEPTH_LIMIT + 1) + b"]" * (DEPTH_LIMIT + 1),
        nested(DEPTH_LIMIT + 2, "1"),
        b"[" * 1_000_000 + b"]" * 1_000_000,
        b"[" * 1_000_000,
        b'{"a":' * 200_000 + b"1",
        b'[["x"],' + b"[" * 200 + b"]" * 200 + b"]",
    ],
    ids=["one more", "one pair more", "a million", "without end", "objects", "beside others"],
)
def test_deeper(content: bytes) -> None:
    with pytest.raises(TooDeepError):
        decode(content)


def test_brackets_in_texts_are_no_nesting() -> None:
    value = {"[" * 300: ['"' + "[{" * 300, "\\" + "[" * 300, "", "[", ""], "x": "]" * 300}
    assert decode(json.dumps(value).encode()) == value


@pytest.mark.parametrize("end", ["é", "\n", "\\", '"', "\\n", '\\"', "\x1f"])
@pytest.mark.parametrize("ascii_alone", [True, False])
def test_texts_that_end_with_an_escape_end_there(end: str, ascii_alone: bool) -> None:
    value = {f"name{end}": 1, "log": "[{" * 300}
    assert decode(json.dumps(value, ensure_ascii=ascii_alone).encode()) == value


def test_many_beside_each_other_are_no_nesting() -> None:
    assert decode(b"[" + b",".join([b'{"a":[[]]}'] * 5000) + b"]") == [{"a": [[]]}] * 5000


# -- how many


@pytest.mark.parametrize("item", [b"0", b"[]", b"{}", b'{"a":[1]}'])
def test_more_values_than_memory_is_for(item: bytes) -> None:
    content = b"[" + (item + b",") * VALUES_LIMIT + item + b"]"
    tracemalloc.start()
    with pytest.raises(TooManyError):
        decode(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_many_values() -> None:
    assert len(decode(b"[" + b"0," * 300_000 + b"0]")) == 300_001  # type: ignore[arg-type]


# -- numbers


@pytest.mark.parametrize(
    "text", ["9" * (DIGITS_LIMIT + 1), "-" + "9" * 5000, "0." + "1" * 5000, "1e500", "1e-500", "1e99999999999999999999"]
)
def test_numbers_that_are_too_long(text: str) -> None:
    with pytest.raises(TooLongNumberError):
        decode(b'{"n": [' + text.encode() + b"]}")


@pytest.mark.parametrize("text", ["9" * DIGITS_LIMIT, "0." + "1" * 300, "1e400", "-1.5e-300"])
def test_numbers_that_are_long(text: str) -> None:
    assert decode(text.encode()) == Decimal(text)


def test_many_digits_in_a_text_are_no_number() -> None:
    assert decode(b'["' + b"9" * 5000 + b'", 12]') == ["9" * 5000, 12]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(NotJsonError):
        decode(text.encode())


# -- names


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (rb'"a\ud800b"', "a�b"),
        (rb'"\uDFFF\uD83D\uDE00\uD83D"', "�😀�"),
        (rb'"\\ud800"', "\\ud800"),
        (rb'"\\\ud800"', "\\�"),
        (rb'"\\ud83d\ude00"', "\\ud83d�"),
        (rb'"\ud83d\\ude00"', "�\\ude00"),
        (rb'"\"\ud800\ud83d\ude00\n"', '"�😀\n'),
        (b'"a\xed\xa0\x80b"', "a���b"),
        (b'"Caf\xe9"', "Caf�"),
        (b'\xef\xbb\xbf"a"', "a"),
    ],
)
def test_halves_of_pairs(content: bytes, name: str) -> None:
    assert decode(content) == name
    assert decode(b"{" + content.removeprefix(b"\xef\xbb\xbf") + b": 1}") == {name: 1}


def test_escapes_beside_half_of_a_pair_take_no_memory_of_their_own() -> None:
    content = b'"' + rb"\n\\" * 1_000_000 + rb'\ud800"'
    tracemalloc.start()
    read = decode(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read == "\n\\" * 1_000_000 + "�"
    assert peak < 10 * len(content)


# -- what is no JSON


@pytest.mark.parametrize(("content", "is_html"), [(b" <!doctype html>", True), (b"", False), (b'{"a": [1,', False)])
def test_no_json(content: bytes, is_html: bool) -> None:
    with pytest.raises(NotJsonError) as caught:
        decode(content)
    assert caught.value.is_html is is_html


# -- bodies


def taken(body: Body, content: bytes, size: int = 7) -> bytes:
    for start in range(0, len(content), size):
        body.add(content[start : start + size])
    return body.content()


@given(content=st.binary(max_size=200), size=st.integers(1, 50))
def test_a_body_in_pieces(content: bytes, size: int) -> None:
    assert taken(Body(), content, size) == content
    assert taken(Body(" GZIP "), gzip.compress(content), size) == content
    assert taken(Body("gzip"), gzip.compress(content) + gzip.compress(content), size) == content * 2


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_body_that_is_too_large(encoding: str) -> None:
    content = gzip.compress(b"x" * 1001) if encoding else b"x" * 1001
    with pytest.raises(TooLargeError):
        taken(Body(encoding, 1000), content)


def test_a_bomb_is_not_unpacked() -> None:
    """Each byte of it is a thousand, and unpacked twice it would be a million."""
    bomb = gzip.compress(bytes(100_000_000), 1)
    tracemalloc.start()
    with pytest.raises(TooLargeError):
        Body("gzip", 1_000_000).add(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_packed_as_nobody_asked(encoding: str) -> None:
    with pytest.raises(NotJsonError):
        Body(encoding)


@pytest.mark.parametrize("content", [gzip.compress(b"x" * 100)[:-9], b"no gzip at all"], ids=["cut", "plain"])
def test_what_cannot_be_unpacked(content: bytes) -> None:
    with pytest.raises(NotJsonError):
        taken(Body("gzip"), content)

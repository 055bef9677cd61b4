from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.files.answers import WITHOUT_EMAIL, AnswerLog, read_answers, without_emails
from usage.peers.exchange import Exchange, Question

AT = datetime(2026, 2, 5, 8, tzinfo=UTC)
WORD = WITHOUT_EMAIL.decode()
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def exchange(content: bytes, *, path: str = "/costs", at: datetime = AT) -> Exchange:
    return Exchange(Question("GET", path, (("page", "2"),)), 200, at, content)


def kept(*exchanges: Exchange) -> bytes:
    log = AnswerLog()
    for one in exchanges:
        log.add(one)
    return log.content()


@given(
    st.lists(
        st.builds(
            Exchange,
            st.builds(
                Question,
                st.sampled_from(["GET", "POST"]),
                TEXT,
                st.lists(st.tuples(TEXT, TEXT)).map(tuple),
                TEXT,
            ),
            st.integers(100, 599),
            st.datetimes(timezones=st.just(UTC)),
            st.text(st.characters(exclude_characters="@\\", exclude_categories=["Cs"])).map(str.encode),
        )
    )
)
def test_what_is_kept_is_what_was_asked_and_answered(exchanges: list[Exchange]) -> None:
    assert list(read_answers(kept(*exchanges))) == exchanges


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ('{"email":"marie.dupont@agence.fr"}', f'{{"email":"{WORD}"}}'),
        (r'{"owner":"jos\u00e9@agence.example.com"}', f'{{"owner":"{WORD}"}}'),
        (r'{"owner":"marie\u0040agence.fr"}', f'{{"owner":"{WORD}"}}'),
        ('["Marie <marie@agence.fr>, j@x.io."]', f'["Marie <{WORD}>, {WORD}."]'),
        ('{"name":"René@Büro.ch"}', f'{{"name":"{WORD}"}}'),
        ('{"model":"gpt-4o@2024-08-06","name":"@home"}', '{"model":"gpt-4o@2024-08-06","name":"@home"}'),
    ],
)
def test_addresses_of_email_are_taken_out_and_nothing_else(body: str, left: str) -> None:
    assert without_emails(body.encode()).decode() == left


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_stays_json(data: object) -> None:
    for ascii_only in (True, False):
        text = json.dumps(data, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
        json.loads(without_emails(text).decode("utf-8", "surrogatepass"))


def test_a_long_body_comes_back_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    body = '{"data":["é😀 marie@agence.fr", "x\\"y", 1.5e-7, "' + "é" * 40 + '"]}\n{"more":1}'
    for size in range(1, 60):
        monkeypatch.setattr("archive.files.answers._PIECE", size)
        (one,) = read_answers(kept(exchange(body.encode())))
        assert one.content.decode() == body.replace("marie@agence.fr", WORD)


def test_the_digest_is_that_of_what_was_said_whenever_that_was() -> None:
    def digest(*exchanges: Exchange) -> str:
        log = AnswerLog()
        for one in exchanges:
            log.add(one)
        return log.digest

    same = digest(exchange(b"{}")), digest(exchange(b"{}", at=datetime(2027, 1, 1, tzinfo=UTC)))
    assert same[0] == same[1]
    assert len({same[0], digest(exchange(b"[]")), digest(exchange(b"{}", path="/usage")), digest()}) == 4


def test_a_cut_file_is_not_read() -> None:
    content = kept(exchange(b"{}"), exchange(bytes(range(32, 90)) * 50))
    for end in range(1, len(content)):
        with pytest.raises((ValueError, OSError)):
            assert len(list(read_answers(content[:end]))) == 2

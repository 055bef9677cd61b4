from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion.text import CUT, PIECE, PIECES, one_line, pieces, printable, shorten, units
from usage.language.folding import folded

ANY = st.text(st.characters(exclude_categories=["Cs"]))
LONG = st.builds(lambda text, times: text * times, ANY, st.integers(0, 3000))


@given(LONG)
def test_pieces_join_to_the_text(text: str) -> None:
    cut = pieces(text)
    assert all(0 < units(piece) <= PIECE for piece in cut)
    if units(text) <= (PIECE - 1) * PIECES:
        assert "".join(cut) == text


@given(ANY)
def test_units_are_utf16(text: str) -> None:
    assert units(text) == len(text.encode("utf-16-le")) // 2


@given(ANY, st.integers(1, 50))
def test_shortened_fits_and_says_that_it_was_cut(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert units(short) <= limit
    assert short == text or (short.endswith(CUT) and text.startswith(short[: -len(CUT)]))


@given(st.text(st.characters(min_codepoint=0x10000), min_size=1))
def test_a_surrogate_pair_is_never_cut(text: str) -> None:
    long = ("a" + text) * PIECE
    assert all(piece.encode("utf-16-le").decode("utf-16-le") == piece for piece in pieces(long))


def test_the_longest_text() -> None:
    assert len(pieces("é" * PIECE * PIECES)) == PIECES
    cut = pieces("é" * (PIECE * PIECES + 1))
    assert len(cut) == PIECES
    assert cut[-1][-1] == CUT
    assert pieces("") == []


def test_pairs_on_the_ends_of_all_pieces_still_make_no_piece_too_many() -> None:
    cut = pieces("a" + "😀" * (PIECE * PIECES // 2))
    assert len(cut) <= PIECES
    assert cut[-1][-1] == CUT


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in line)
    assert line == " ".join(line.split()) or line.endswith(CUT)
    line.encode()


@pytest.mark.parametrize("gap", ["\n", "\r\n", "\t", "\x00", "\x0b", "\u2028", "   "])
def test_words_stay_apart_on_one_line(gap: str) -> None:
    assert one_line(f" deux{gap}mots ") == "deux mots"


@given(st.text())
def test_printable_keeps_lines_and_can_be_sent(text: str) -> None:
    shown = printable(text)
    assert printable(shown) == shown
    assert shown.count("\n") == text.count("\n")
    shown.encode()


@given(ANY)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@pytest.mark.parametrize(
    ("name", "other"),
    [("Coût USD", "cout  usd"), ("MODÈLES", "Modeles"), (" Requêtes ", "requetes"), ("Dernie\u0300re", "derniere")],
)
def test_accents_case_and_spaces_do_not_matter(name: str, other: str) -> None:
    assert folded(name) == folded(other)

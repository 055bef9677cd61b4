"""What people wrote in two rows becomes what stands in one, or is left to them; nothing is ever dropped."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion.client.models import Value
from notion.rows.notes import Note, as_properties, unite
from notion.text import PIECE


def note(kind: str, content: Any, column: str = "c", **more: Any) -> Note:
    """A cell as Notion answers it."""
    return Note(column, Value.model_validate({"id": column, "type": kind, kind: content, **more}))


def text(*pieces: Any) -> Note:
    """A text of plain pieces, or of pieces as Notion answers them."""
    return note("rich_text", [{"plain_text": piece} if isinstance(piece, str) else piece for piece in pieces])


def names(*options: str) -> Note:
    return note("multi_select", [{"name": option} for option in options])


def links(kind: str, *ids: str, **more: Any) -> Note:
    return note(kind, [{"id": one} for one in ids], **more)


def address(url: str) -> dict[str, Any]:
    return {"name": url, "external": {"url": url}}


def united(mine: Note | None, theirs: Note | None) -> Any:
    """What is written for the one row; `clash` where the two can't become one."""
    notes, clashes = unite([mine] if mine else [], [theirs] if theirs else [])
    if clashes:
        assert clashes == ("c",)
        return "clash"
    return as_properties(notes)["c"] if notes else None


def said(written: Any) -> str:
    return "".join(item["text"]["content"] for item in written["rich_text"])


def test_an_empty_cell_takes_the_other_s_value() -> None:
    assert united(None, note("number", 0)) == {"number": 0}
    assert united(None, note("select", {"id": "x", "name": "Labo"})) == {"select": {"name": "Labo"}}
    assert united(None, note("status", {"name": "Vu"})) == {"status": {"name": "Vu"}}
    assert united(None, note("url", "https://example.org")) == {"url": "https://example.org"}
    date = {"start": "2026-01-05", "end": None, "time_zone": None}
    assert united(None, note("date", date)) == {"date": date}
    assert united(None, links("people", "a")) == {"people": [{"id": "a"}]}
    file = address("https://example.org/a")
    assert united(None, note("files", [file])) == {"files": [{"type": "external", **file}]}


@pytest.mark.parametrize(
    ("cell", "texts"),
    [
        (text(" Memoways "), ("Memoways",)),
        (names("Voix", "Texte"), ("Voix", "Texte")),
        (note("number", 0), ("0",)),
        (note("number", 2500.0), ("2500",)),
        (note("number", -0.5), ("-0.5",)),
        (note("number", 1e21), ("1000000000000000000000",)),
        (note("checkbox", True), ("✓",)),
        (note("checkbox", False), ()),
        (note("date", {"start": "2026-01-05"}), ("2026-01-05",)),
        (note("date", {"start": "2026-01-05", "end": "2026-01-09"}), ("2026-01-05/2026-01-09",)),
        (note("url", "https://a"), ("https://a",)),
        (note("email", "a@b.ch"), ("a@b.ch",)),
        (note("phone_number", "+41"), ("+41",)),
        (note("files", [{"name": "offer.pdf", "file": {"url": "https://signed"}}]), ("offer.pdf",)),
        (note("people", [{"id": "a", "name": "Ana"}, {"id": "b"}]), ("Ana", "b")),
        (links("relation", "a", "b"), ("a", "b")),
        (note("url", None), ()),
        (note("place", {"lat": 1}), ()),
    ],
)
def test_a_cell_of_every_kind_is_told_in_words(cell: Note, texts: tuple[str, ...]) -> None:
    assert cell.texts == texts


def test_what_is_only_in_the_row_that_stays_stays() -> None:
    assert united(note("number", 5), None) == {"number": 5}


@pytest.mark.parametrize(
    "content",
    [
        ("number", 5),
        ("select", {"name": "Labo"}),
        ("date", {"start": "2026-01-05"}),
        ("email", "a@b.ch"),
        ("phone_number", "+41"),
        ("checkbox", True),
        ("files", [address("https://example.org/a")]),
    ],
)
def test_what_both_say_alike_is_said_once(content: tuple[str, Any]) -> None:
    notes, clashes = unite([note(*content)], [note(*content)])
    assert (notes, clashes) == ((note(*content),), ())


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (note("number", 5), note("number", 6)),
        (note("number", 0), note("number", 6)),
        (note("select", {"name": "A"}), note("select", {"name": "B"})),
        (note("status", {"name": "A"}), note("status", {"name": "B"})),
        (note("date", {"start": "2026-01-05"}), note("date", {"start": "2026-01-05", "end": "2026-01-06"})),
        (note("url", "https://a"), note("url", "https://b")),
        (note("checkbox", True), None),
        (None, note("checkbox", True)),
        (note("place", {"lat": 1}), note("place", {"lat": 1})),
        (None, note("place", {"lat": 1})),
        (links("relation", "a", has_more=True), links("relation", "b")),
        (None, links("relation", *map(str, range(25)), has_more=True)),
        (None, links("people", *map(str, range(25)))),
        (names(*map(str, range(60))), names(*map(str, range(50, 120)))),
        (None, note("files", [{"name": "a.pdf", "file": {"url": "https://signed"}}])),
        (note("files", [{"name": "a.pdf"}]), note("files", [{"name": "a.pdf"}])),
        (None, text({"type": "mention", "plain_text": "@Ana"})),
        (text({"type": "equation", "plain_text": "x"}), text("y")),
        (text("x" * PIECE * 60), text("y" * PIECE * 60)),
    ],
)
def test_what_can_t_be_united_is_left_to_a_person(mine: Note | None, theirs: Note | None) -> None:
    assert united(mine, theirs) == "clash"


def test_texts_stand_one_below_the_other() -> None:
    assert said(united(text("à revoir"), text("vu"))) == "à revoir\nvu"
    # As often as it is repeated, and whatever a run that was cut has joined already.
    assert said(united(text("à revoir\nvu"), text("vu"))) == "à revoir\nvu"
    assert said(united(text("revu"), text("vu"))) == "revu\nvu"
    assert said(united(text("  "), text("vu"))).strip() == "vu"


def test_texts_keep_their_style() -> None:
    bold = {"plain_text": "gras", "href": "https://example.org", "annotations": {"bold": True, "color": "red"}}
    written = united(text("avant"), text(bold))["rich_text"]
    assert [item["text"]["content"] for item in written] == ["avant", "\n", "gras"]
    assert written[2]["text"]["link"] == {"url": "https://example.org"}
    assert (written[2]["annotations"]["bold"], written[2]["annotations"]["color"]) == (True, "red")


def test_long_texts_are_sent_in_pieces() -> None:
    written = united(text("🧪" * PIECE), text("z"))["rich_text"]
    assert all(len(item["text"]["content"].encode("utf-16-le")) // 2 <= PIECE for item in written)
    assert said({"rich_text": written}) == "🧪" * PIECE + "\nz"


def test_lists_become_their_union() -> None:
    assert united(names("a", "b"), names("b", "c")) == {"multi_select": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}
    for kind in ("relation", "people"):
        assert united(links(kind, "a"), links(kind, "a", "b")) == {kind: [{"id": "a"}, {"id": "b"}]}
    both = united(note("files", [address("https://a")]), note("files", [address("https://b"), address("https://a")]))
    assert [file["external"]["url"] for file in both["files"]] == ["https://a", "https://b"]


texts = st.lists(st.sampled_from(["a", "b", "a b", "é"]), min_size=1, max_size=3).map("\n".join)
notes = st.one_of(
    st.none(),
    texts.map(text),
    st.lists(st.sampled_from("abc"), min_size=1, unique=True).map(lambda ids: links("relation", *ids)),
    st.integers(0, 1).map(lambda number: note("number", number)),
)


@given(first=notes, second=notes)
def test_nothing_is_dropped_and_a_second_time_nothing_changes(first: Note | None, second: Note | None) -> None:
    if first and second and first.value.type != second.value.type:
        second = None
    once, clashes = unite([first] if first else [], [second] if second else [])
    if clashes:
        return
    again, clashes = unite(once, [second] if second else [])
    assert (again, clashes) == (once, ())
    said_now = "" if not once else str(as_properties(once))
    for one in filter(None, (first, second)):
        value = one.value
        for word in (*value.text.split("\n"), *(other.id for other in value.relation)):
            assert word in said_now

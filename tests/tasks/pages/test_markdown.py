"""Other people's text in the reports: shown, never obeyed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notion.text import one_line
from tasks.pages.markdown import change, escape, link, table
from tests.tasks.pages.results import HOSTILE, read_page
from usage.language.choice import Language
from usage.language.words import Words

TEXTS = st.text(st.sampled_from("ab |\\`*_~#<>[]()!&:@.+-=\n\r\t\u2028\u202e{}1$\"'/") | st.characters(), max_size=40)


@given(text=TEXTS)
@example("&amp; <b>x</b> https://evil.example <https://evil.example> a@b.example")
@example("- a\n- b")
@example("1. a")
@example("\\|")
@example("~~a~~ ***b*** ``c``")
def test_text_in_a_cell_is_shown_as_it_is(text: str) -> None:
    shown = read_page(table(("Name", "Cost"), [(escape(text), "1.00"), ("next", "2.00")]))
    assert shown.tables == [[["Name", "Cost"], [one_line(text), "1.00"], ["next", "2.00"]]]
    assert shown.others <= {"table", "thead", "tbody", "tr", "th", "td", "inline", "text"}


@given(text=TEXTS)
def test_text_in_a_list_is_one_item(text: str) -> None:
    shown = read_page(f"- **{escape('x' + text)}** end")
    assert shown.others <= {"bullet_list", "list_item", "paragraph", "inline", "text", "strong_open", "strong_close"}


def test_hostile_text() -> None:
    shown = read_page(escape(HOSTILE))
    assert (shown.headings, shown.tables, shown.links, shown.pictures) == ([], [], [], [])
    assert shown.others == {"paragraph", "inline", "text"}


@given(text=TEXTS.filter(lambda text: one_line(text) != ""), address=TEXTS)
@example(text="OpenAI", address="x) [evil](javascript:alert(1)")
def test_a_link_leads_where_it_says(text: str, address: str) -> None:
    shown = read_page(link(text, f"https://www.notion.so/{address}"))
    (target,) = shown.links
    assert target.startswith("https://www.notion.so/")
    assert shown.others == {"paragraph", "inline", "text", "link_open", "link_close"}


@pytest.mark.parametrize("address", ["", "javascript:alert(1)", "http://notion.example", "//evil.example", "data:,x"])
def test_no_link_where_there_is_no_https_address(address: str) -> None:
    assert read_page(link("OpenAI", address)).links == []


@pytest.mark.parametrize(
    ("now", "before", "shown"),
    [
        ("12", "10", "+2.00 (+20%)"),
        ("0", "10", "-10.00 (-100%)"),
        ("10", "10", "+0.00 (0%)"),
        ("9.9999", "10", "-0.0001 (0%)"),
        ("5", "0", "+5.00"),
        # Less of a credit is more to pay.
        ("-5", "-10", "+5.00 (+50%)"),
        (None, "10", "–"),
        ("10", None, "–"),
    ],
)
def test_change(now: str | None, before: str | None, shown: str) -> None:
    new, old = (None if text is None else Decimal(text) for text in (now, before))
    assert change(new, old, Words(Language.EN)) == shown
    french = change(new, old, Words(Language.FR))
    assert ("," in french) is ("." in shown)

"""Guides in English and in French say the same, and the sentences that people look up are the program's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.test_docs import (
    PLACE,
    ROOT,
    catalogue,
    code_spans,
    name_of,
    quotes,
    rows,
    says,
    section,
    text_of,
)
from usage.names import ProviderName

DOCS: Final = ROOT / "docs"
NARROW: Final = "\N{NARROW NO-BREAK SPACE}"
WIDE: Final = "\N{NO-BREAK SPACE}"


class Pair(NamedTuple):
    """A guide in both languages."""

    english: Path
    french: Path


NOTION: Final = Pair(DOCS / "NOTION_SETUP.en.md", DOCS / "NOTION_SETUP.md")
"""The French one was there first, and has the plain name."""
PAIRS: Final = [
    NOTION,
    *(Pair(page.with_name(page.name.replace(".fr.md", ".md")), page) for page in sorted(DOCS.rglob("*.fr.md"))),
]
OPERATIONS: Final = Pair(DOCS / "OPERATIONS.md", DOCS / "OPERATIONS.fr.md")
EVIDENCE: Final = Pair(DOCS / "EVIDENCE.md", DOCS / "EVIDENCE.fr.md")
TROUBLESHOOTING: Final = Pair(DOCS / "TROUBLESHOOTING.md", DOCS / "TROUBLESHOOTING.fr.md")
each_pair: Final = pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: name_of(pair.english))


def prose(page: Path) -> str:
    """The page without its blocks and code."""
    without_blocks = re.sub(r"^ *```.*?^ *```$", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]+`", "", without_blocks)


def skeleton(page: Path) -> list[str]:
    """Headings by their level, blocks as they stand there, tables by the cells of their rows.

    A block of `text` is what the program prints, in the page's language: its lines are counted.
    """
    found = re.finditer(r"^(#+) |^ *```(\w*\n.*?)^ *```$|^ *(\|.*)$", text_of(page), re.MULTILINE | re.DOTALL)
    return [match[1] or _block(match[2]) or "|" * match[3].count(" | ") for match in found]


def _block(block: str | None) -> str | None:
    return f"text of {block.count(chr(10))} lines" if block and block.startswith("text\n") else block


def links(page: Path) -> list[str]:
    """Where the page's links lead; within a page, and in one that has a twin, the headings have names of their own."""
    targets = re.findall(r"\]\(([^)\s]+)\)|<(http[^>]+)>", text_of(page).partition("\n## ")[2])
    pages = ((link or address).partition("#")[0] for link, address in targets)
    return sorted(re.sub(r"\.(en|fr)\.md$", ".md", page) for page in pages)


def test_there_are_some() -> None:
    assert {pair.english.name for pair in PAIRS} >= {"OPERATIONS.md", "TROUBLESHOOTING.md", "EVIDENCE.md"}
    assert {f"{provider}.md" for provider in ProviderName} <= {pair.english.name for pair in PAIRS}


@each_pair
def test_both_lead_to_each_other(pair: Pair) -> None:
    for one, other in (pair, reversed(pair)):
        assert f"]({other.name})" in text_of(one).partition("\n## ")[0]


@each_pair
def test_both_have_the_same_sections_blocks_and_rows(pair: Pair) -> None:
    assert skeleton(pair.french) == skeleton(pair.english)


@each_pair
def test_both_name_the_same_commands_variables_and_files(pair: Pair) -> None:
    assert set(code_spans(text_of(pair.french))) == set(code_spans(text_of(pair.english)))


@each_pair
def test_both_lead_to_the_same_pages(pair: Pair) -> None:
    assert links(pair.french) == links(pair.english)


@each_pair
def test_readers_stay_in_their_language(pair: Pair) -> None:
    """A link leads to the page in the reader's language where there is one, but for those to the page's own twin."""
    others = {pair.french: {one.english for one in PAIRS}, pair.english: {one.french for one in PAIRS}}
    for page in pair:
        targets = re.findall(r"\]\(([^)#\s]+\.md)", text_of(page))
        crossing = {target for target in targets if (page.parent / target).resolve() in others[page]}
        assert crossing <= {other.name for other in pair}


@each_pair
def test_no_line_breaks_before_french_punctuation(pair: Pair) -> None:
    assert re.findall(r".{0,20} [:;?!»](?:\s|$).{0,20}|.{0,20}« .{0,20}", prose(pair.french)) == []
    assert f"{WIDE}:" in prose(pair.french)


@pytest.mark.parametrize("provider", ProviderName)
def test_the_french_guide_tells_how_far_back_and_how_fresh(provider: ProviderName) -> None:
    """The English one is held against the program."""

    def told(page: Path, heading: str) -> list[list[str]]:
        table = {cells[0]: cells[1:4] for cells in rows(section(page, heading))}
        return [re.findall(r"\d{4}-\d{2}-\d{2}|\d+|–", cell) for cell in table[provider.label]]

    assert told(OPERATIONS.french, "Jusqu’où remonter, avec quelle fraîcheur") == told(
        OPERATIONS.english, "How far back, how fresh"
    )


# Sentences that people look up


class Row(NamedTuple):
    """What a row of a guide is looked up by."""

    quotes: list[str]
    in_notion: list[str]
    """The English guide says how the sentence stands in Notion, whose cells are French by default."""


def looked_up(page: Path, heading: str) -> Iterator[Row]:
    """First cells, below the headings of their tables."""
    for cells in rows(text_of(page)):
        if len(cells) > 1 and cells[0] != heading:
            cell, _, in_notion = cells[0].partition(" (in Notion ")
            yield Row(*(re.findall(r"\*([^*]+)\*", part) for part in (cell, in_notion)))


ENGLISH: Final = list(looked_up(TROUBLESHOOTING.english, "you see"))
FRENCH: Final = list(looked_up(TROUBLESHOOTING.french, "vous lisez"))


def plain(text: str) -> str:
    """A sentence with … for whatever the program puts in, and ordinary spaces."""
    with_places = re.sub(rf"{PLACE}|\{{\w+\}}", "…", text)
    return re.sub(rf"[\s{WIDE}{NARROW}]+", " ", with_places)


@cache
def said() -> list[tuple[str, str]]:
    """All that the program may say, in English and in French."""
    return [(plain(english), plain(french)) for english, french in catalogue()]


def is_part(quote: str, sentence: str) -> bool:
    return plain(quote).strip("…") in sentence


def test_rows_are_found() -> None:
    assert len(ENGLISH) == len(FRENCH) > 60
    assert all(row.quotes for row in (*ENGLISH, *FRENCH))
    assert sum(bool(row.in_notion) for row in ENGLISH) > 10


@pytest.mark.parametrize(("english", "french"), [*zip(ENGLISH, FRENCH, strict=False)])
def test_a_row_quotes_one_sentence_of_the_program_in_both_languages(english: Row, french: Row) -> None:
    for one, other in zip(english.quotes, french.quotes, strict=True):
        assert any(is_part(one, sentence) and is_part(other, same) for sentence, same in said()), f"{one} / {other}"


@pytest.mark.parametrize("row", range(len(ENGLISH)))
def test_what_stands_in_notion_is_what_the_french_guide_quotes(row: int) -> None:
    assert ENGLISH[row].in_notion in ([], FRENCH[row].quotes)
    assert FRENCH[row].in_notion == []


@pytest.mark.parametrize("guide", [ENGLISH, FRENCH], ids=["english", "french"])
def test_no_sentence_is_looked_up_twice(guide: list[Row]) -> None:
    quoted = [quote for row in guide for quote in row.quotes]
    assert sorted(quoted) == sorted(set(quoted))


def test_a_sentence_that_nobody_says_is_found() -> None:
    assert not any(is_part("the moon is full", sentence) for pair in said() for sentence in pair)
    assert plain(f"{PLACE} refuse la clé{WIDE}: {{name}}.") == "… refuse la clé : …."


def test_both_guides_to_notion_quote_as_much() -> None:
    assert len(quotes(NOTION.english)) == len(quotes(NOTION.french)) > 40


@pytest.mark.parametrize(("english", "french"), [*zip(quotes(NOTION.english), quotes(NOTION.french), strict=False)])
def test_what_the_guides_to_notion_quote_is_one_sentence_in_both_languages(english: str, french: str) -> None:
    assert any(says(one, english) and says(other, french) for one, other in catalogue())


# Names of columns and states


def first_cells(page: Path, section_of: str, heading: str) -> list[str]:
    """Of the table below a heading whose first column has that title."""
    cells = [row[0] for row in rows(section(page, section_of))]
    return cells[cells.index(heading) + 1 :]


def test_the_guides_name_the_columns_of_a_proof_as_the_program_does() -> None:
    columns = [
        [name for cell in first_cells(page, section_of, heading) for name in re.split(r", (?=[A-Z])", cell)]
        for page, section_of, heading in (
            (EVIDENCE.english, "Is it all?", "column"),
            (EVIDENCE.french, f"Est-ce complet{WIDE}?", "colonne"),
        )
    ]
    for one, other in zip(*columns, strict=True):
        assert any(english.startswith(one) and french.startswith(other) for english, french in said()), (
            f"{one} / {other}"
        )


def test_the_french_guide_to_the_archive_gives_each_state_with_its_word_in_json() -> None:
    states = re.findall(r"^\| \*(.+?)\* \(`(\w+)`\)", text_of(EVIDENCE.french), re.MULTILINE)
    assert len(states) > 6
    assert [state for state in states if state[::-1] not in said()] == []


@pytest.mark.parametrize(
    ("english", "french"), [*zip(rows(text_of(NOTION.english)), rows(text_of(NOTION.french)), strict=False)]
)
def test_both_guides_to_notion_need_the_same_columns(english: list[str], french: list[str]) -> None:
    assert [{"oui": "yes", "non": "no"}.get(cell, "") for cell in french] == [
        cell if cell in ("yes", "no") else "" for cell in english
    ]

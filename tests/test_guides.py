"""Guides in English and in French say the same, and the sentences that people look up are the program's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from babel.messages.pofile import read_po

from tests.test_docs import PLACE, ROOT, code_blocks, code_spans, name_of, rows, section, sentences, text_of
from usage.names import ProviderName

FRENCH: Final = sorted((ROOT / "docs").glob("*.fr.md"))
OPERATIONS_FR: Final = ROOT / "docs" / "OPERATIONS.fr.md"
LOOKED_UP: Final = ("TROUBLESHOOTING.md", "TROUBLESHOOTING.fr.md")
NARROW: Final = "\N{NARROW NO-BREAK SPACE}"
WIDE: Final = "\N{NO-BREAK SPACE}"


def english(page: Path) -> Path:
    return page.with_name(page.name.replace(".fr.md", ".md"))


def prose(page: Path) -> str:
    """The page without its blocks and code."""
    without_blocks = re.sub(r"^ *```.*?^ *```$", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]+`", "", without_blocks)


def skeleton(page: Path) -> list[str]:
    """Headings by their level, blocks as they stand there, tables by the cells of their rows."""
    found = re.finditer(r"^(#+) |^ *```(\w*\n.*?)^ *```$|^(\|.*)$", text_of(page), re.MULTILINE | re.DOTALL)
    return [match[1] or match[2] or "|" * match[3].count(" | ") for match in found]


def links(page: Path) -> list[str]:
    """Where the page's links lead; within a page, and in one that has a twin, the headings have names of their own."""
    targets = re.findall(r"\]\(([^)\s]+)\)|<(http[^>]+)>", text_of(page).partition("\n## ")[2])
    return sorted((link or address).partition("#")[0].replace(".fr.md", ".md") for link, address in targets)


def test_there_are_some() -> None:
    assert {page.name for page in FRENCH} >= {"OPERATIONS.fr.md", "TROUBLESHOOTING.fr.md"}


@pytest.mark.parametrize("page", FRENCH, ids=name_of)
def test_both_lead_to_each_other(page: Path) -> None:
    for one, other in ((page, english(page)), (english(page), page)):
        assert f"]({other.name})" in text_of(one).partition("\n## ")[0]


@pytest.mark.parametrize("page", FRENCH, ids=name_of)
def test_both_have_the_same_sections_blocks_and_rows(page: Path) -> None:
    assert skeleton(page) == skeleton(english(page))


@pytest.mark.parametrize("page", FRENCH, ids=name_of)
def test_both_name_the_same_commands_variables_and_files(page: Path) -> None:
    assert set(code_spans(text_of(page))) == set(code_spans(text_of(english(page))))
    assert code_blocks(text_of(page)) == code_blocks(text_of(english(page)))


@pytest.mark.parametrize("page", FRENCH, ids=name_of)
def test_both_lead_to_the_same_pages(page: Path) -> None:
    assert links(page) == links(english(page))


@pytest.mark.parametrize("page", FRENCH, ids=name_of)
def test_no_line_breaks_before_french_punctuation(page: Path) -> None:
    assert re.findall(r".{0,20} [:;?!»](?:\s|$).{0,20}|.{0,20}« .{0,20}", prose(page)) == []
    assert f"{WIDE}:" in prose(page)


@pytest.mark.parametrize("provider", ProviderName)
def test_the_french_guide_tells_how_far_back_and_how_fresh(provider: ProviderName) -> None:
    """The English one is held against the program."""

    def told(page: Path, heading: str) -> list[list[str]]:
        table = {cells[0]: cells[1:4] for cells in rows(section(page, heading))}
        return [re.findall(r"\d{4}-\d{2}-\d{2}|\d+|–", cell) for cell in table[provider.label]]

    assert told(OPERATIONS_FR, "Jusqu’où remonter, avec quelle fraîcheur") == told(
        english(OPERATIONS_FR), "How far back, how fresh"
    )


# Sentences that people look up


def looked_up(page: Path) -> Iterator[str]:
    """First cells, below the headings of their tables."""
    for cells in rows(text_of(page)):
        if quote := re.fullmatch(r"\*(.+)\*", cells[0]):
            yield quote[1]


def plain(text: str) -> str:
    """A sentence with … for whatever the program puts in, and ordinary spaces."""
    with_places = re.sub(rf"{PLACE}|\{{\w+\}}", "…", text)
    return re.sub(rf"[\s{WIDE}{NARROW}]+", " ", with_places)


@cache
def said() -> frozenset[str]:
    """All that the program may say, in each language."""
    found = set(sentences())
    for catalogue in (ROOT / "usage" / "language").rglob("*.po"):
        with catalogue.open("rb") as file:
            for message in read_po(file):
                found.update(one for one in (message.id, message.string) if isinstance(one, str))
    return frozenset(map(plain, found))


QUOTES: Final = [(name, quote) for name in LOOKED_UP for quote in looked_up(ROOT / "docs" / name)]


def test_quotes_are_found() -> None:
    assert len(QUOTES) > 100


@pytest.mark.parametrize(("name", "quote"), QUOTES)
def test_the_program_says_what_people_look_up(name: str, quote: str) -> None:
    wanted = plain(quote).strip("…")
    assert any(wanted in sentence for sentence in said()), f"{name}: {quote}"


def test_a_sentence_that_nobody_says_is_found() -> None:
    assert not any("the moon is full" in sentence for sentence in said())
    assert plain(f"{PLACE} refuse la clé{WIDE}: {{name}}.") == "… refuse la clé : …."

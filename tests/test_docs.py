"""Whatever a person can type, set or see in Notion is documented, and what is documented is there."""

from __future__ import annotations

import argparse
import ast
import importlib.util
import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NoReturn
from urllib.parse import unquote

import pytest
from babel.messages.pofile import read_po

from cli.parser import commands_of, parser
from notion.databases.declared import SERVICES, USAGES, Database, Property, Type
from usage.catalogue import CATALOGUE
from usage.language import words
from usage.names import ProviderName
from usage.settings import KEY_VARIABLES, load_settings
from usage.settings.reports import BUDGETS
from usage.settings.slips import VARIABLES

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
ENV_EXAMPLE = ROOT / ".env.example"
NOTION_SETUP = ROOT / "docs" / "NOTION_SETUP.md"
OPERATIONS = ROOT / "docs" / "OPERATIONS.md"
FOLDERS = [folder for folder in ROOT.iterdir() if folder.is_dir() and not folder.name.startswith(".")]
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in folder.rglob("*.md"))])
ANYWHERE = {"-h", "--help", "--env-file"}
"""Options of every command."""
PREFECT = {"PREFECT_API_URL"}
"""Documented in the README, and read by Prefect itself."""


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def section(page: Path, heading: str) -> str:
    """What stands under a heading, up to the next one."""
    match = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", text_of(page), re.MULTILINE | re.DOTALL)
    assert match, f"{name_of(page)} has no section {heading!r}"
    return match[1]


def rows(markdown: str) -> Iterator[list[str]]:
    """Cells of every table row, heading rows among them."""
    for line in markdown.splitlines():
        if line.lstrip().startswith("|") and not re.fullmatch(r"[\s|:-]+", line):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def code_spans(markdown: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", markdown)


def code_blocks(markdown: str, language: str | None = None) -> list[str]:
    """Fenced blocks, all or those of one language, without their indentation."""
    blocks = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", markdown, re.MULTILINE | re.DOTALL)
    return [body.strip() for found, body in blocks if language is None or found == language]


# Commands


def commands() -> Mapping[str, argparse.ArgumentParser]:
    return commands_of(parser())


def options_of(command: argparse.ArgumentParser) -> set[str]:
    """Options by their long names."""
    named = {option for action in command._actions for option in action.option_strings}
    return {option for option in named if option.startswith("--")} - ANYWHERE


def documented_commands() -> dict[str, str]:
    """The synopses by their commands; a command with two forms has two rows."""
    synopses = [row[0].strip("`") for row in rows(section(README, "Commands"))]
    ours = [synopsis for synopsis in synopses if synopsis.startswith("llm-usage ")]
    return {name: " ".join(one for one in ours if one.split()[1] == name) for name in (one.split()[1] for one in ours)}


def test_the_readme_names_every_command_and_no_other() -> None:
    assert set(documented_commands()) == set(commands())


@pytest.mark.parametrize("name", commands())
def test_the_readme_names_every_option_of_a_command_and_no_other(name: str) -> None:
    assert set(re.findall(r"--[a-z-]+", documented_commands()[name])) == options_of(commands()[name])


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_command_lines_on_the_pages_can_be_typed(page: Path) -> None:
    lines = [line for block in code_blocks(text_of(page)) for line in block.splitlines()]
    without_blocks = re.sub(r"^ *```.*?^ *```$", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    for line in (*lines, *code_spans(without_blocks)):
        match = re.match(r"(?:\S*/)?llm-usage\s+(\S.*)", line.partition("#")[0].strip())
        # A synopsis with brackets is for reading.
        if match and not re.search(r"[\[\]…<>]", line):
            words = shlex.split(match[1])
            if words in (["--help"], ["--version"]):
                continue
            assert words[0] in commands(), f"{name_of(page)}: {line}"
            unknown = {word for word in words if word.startswith("--")} - options_of(commands()[words[0]]) - ANYWHERE
            assert not unknown, f"{name_of(page)}: {line}"


# Settings


def settings_names() -> set[str]:
    """Names of all variables: those that stand in the module, and those of the catalogue."""
    modules = [ROOT / "usage" / "settings" / name for name in ("settings.py", "files.py", "reports.py")]
    trees = [ast.parse(text_of(module)) for module in modules]
    constants = {str(node.value) for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    written = {text for text in constants if re.fullmatch(r"[A-Z]+(_[A-Z]+)+", text)}
    named = {name for spec in CATALOGUE.values() for name in (*spec.key_variables, spec.address_variable)}
    # Where a user's settings lie is the system's own.
    return (
        (written - {"XDG_CONFIG_HOME"})
        | named
        | {*BUDGETS.values()}
        | {spec.grain_variable for spec in CATALOGUE.values()}
    )


def documented_settings() -> dict[str, list[str]]:
    """The table's rows by the names in their first cells."""
    table = [row for row in rows(section(README, "Settings")) if row[0] != "variable"]
    return {name: row for row in table for name in code_spans(row[0])}


def assignments() -> dict[str, str]:
    """The lines of `.env.example`, commented out or not."""
    found = re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", text_of(ENV_EXAMPLE), re.MULTILINE)
    return {name: value.strip() for name, value in found}


def test_the_settings_module_is_read_right() -> None:
    assert {*KEY_VARIABLES.values(), "NOTION_TOKEN", "OPENAI_GRAIN", "LLM_USAGE_NOW"} < settings_names()


def test_what_is_read_is_never_taken_for_a_slip() -> None:
    assert set(VARIABLES) == settings_names()


def test_the_readme_names_every_setting_and_no_other() -> None:
    assert set(documented_settings()) == settings_names() | PREFECT


def test_the_env_example_names_every_setting_and_no_other() -> None:
    assert set(assignments()) <= settings_names()
    words = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", text_of(ENV_EXAMPLE)))
    assert settings_names() <= words


def test_the_env_example_shows_the_defaults() -> None:
    assert load_settings(assignments(), ()) == load_settings({}, ())


@pytest.mark.parametrize("provider", ProviderName)
def test_the_readme_tells_the_default_grain(provider: ProviderName) -> None:
    assert documented_settings()[f"{provider.value.upper()}_GRAIN"][-1] == f"`{provider.spec.grains.default}`"


@pytest.mark.parametrize("provider", ProviderName)
def test_the_guide_tells_how_far_back_and_how_fresh(provider: ProviderName) -> None:
    reach = provider.spec.reach
    told = {cells[0]: cells[1:] for cells in rows(section(OPERATIONS, "How far back, how fresh"))}[provider.label]
    had, provisional, corrected, _ = told
    days = [f"{limit.days} days" for limit in reach.limits if limit.days is not None]
    since = [str(limit.since) for limit in reach.limits if limit.since is not None]
    assert sorted(re.findall(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]+ days", had)) == sorted(days + since)
    assert provisional.split()[0] == str(reach.settling.days)
    assert corrected == (f"{reach.revised.days} days" if reach.revised else "–")


def test_the_readme_tells_the_default_rate() -> None:
    default = load_settings({}, ()).notion.requests_per_minute
    assert documented_settings()["NOTION_REQUESTS_PER_MINUTE"][-1] == f"`{default}`"


@pytest.mark.parametrize("provider", ProviderName)
def test_every_key_has_a_page_and_a_row_that_leads_to_it(provider: ProviderName) -> None:
    (row,) = (row for row in rows(text_of(README)) if row[0] == provider.label)
    assert f"(docs/keys/{provider}.md)" in " ".join(row)
    page = text_of(ROOT / "docs" / "keys" / f"{provider}.md")
    assert KEY_VARIABLES[provider] in page
    assert "llm-usage check" in page


# Notion's columns

COLUMNS = [(database, item) for database in (SERVICES, USAGES) for item in database.properties]


def documented_column(database: Database, declared: Property) -> list[str]:
    """The table row of one column. *Services* comes first, and the linked columns say their type."""
    found = [
        row
        for row in rows(text_of(NOTION_SETUP))
        if row[0] == f"`{declared.name}`" and f"(`{declared.type}`)" in " ".join(row[1:2])
    ]
    assert len(found) == 1, f"“{declared.name}” of “{database.title}”, `{declared.type}`: {len(found)} rows"
    return found[0]


def column_id(value: object) -> str | None:
    return value.title if isinstance(value, Database) else value.name if isinstance(value, Property) else None


@pytest.mark.parametrize(("database", "declared"), COLUMNS, ids=column_id)
def test_every_column_is_described(database: Database, declared: Property) -> None:
    _, _, needed, *rest = documented_column(database, declared)
    assert needed == ("non" if declared.optional or declared.for_people else "oui")
    described = code_spans(" ".join(rest))
    assert [str(name) for name, _ in declared.options if str(name) not in described] == []
    assert not declared.expression or declared.expression in described
    if declared.rollup is not None:
        assert {declared.rollup.target, declared.rollup.function} <= set(described)
    if declared.type is not Type.TITLE:
        assert code_spans(rest[-1]) == list(declared.aliases)


def test_no_column_is_described_that_does_not_exist() -> None:
    types = "|".join(Type)
    described = {
        row[0].strip("`") for row in rows(text_of(NOTION_SETUP)) if re.search(rf"\(`({types})`\)", " ".join(row[1:2]))
    }
    assert described == {item.name for _, item in COLUMNS}


def test_every_view_is_described() -> None:
    tree = ast.parse(text_of(ROOT / "notion" / "setup" / "views.py"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    made = [call for call in calls if ast.unparse(call.func) in ("ViewDesign", "self._chart")]
    names = {str(call.args[0].value) for call in made if isinstance(call.args[0], ast.Constant)}
    described = {row[1].strip("`") for row in rows(section(NOTION_SETUP, "8. Les vues")) if row[0].startswith("*")}
    assert described == names


@pytest.mark.parametrize("provider", ProviderName)
def test_every_service_is_described(provider: ProviderName) -> None:
    wanted = [provider.label, f"`{provider}`", f"<{provider.spec.console}>", "`Actif`"]
    assert wanted in list(rows(text_of(NOTION_SETUP)))


@pytest.mark.parametrize("database", [SERVICES, USAGES], ids=column_id)
def test_titles_and_ids_are_named(database: Database) -> None:
    assert f"`{database.title}`" in text_of(NOTION_SETUP)
    assert database.variable in text_of(NOTION_SETUP)


# Sentences of the program

PLACE = "\0"
"""Stands in a sentence for what the program puts in."""
FEWEST_LETTERS = 4
"""Of its own that a sentence has."""


@cache
def catalogue() -> frozenset[tuple[str, str]]:
    """Every sentence of the program in English and in French, with `PLACE` for what is put in."""
    found: set[tuple[str, str]] = set()
    for path in (ROOT / "usage" / "language" / "french").glob("*.po"):
        with path.open("rb") as file:
            pairs = words.sentences(read_po(file, locale="fr")).items()
        found.update((re.sub(r"{\w+}", PLACE, one), re.sub(r"{\w+}", PLACE, other)) for one, other in pairs)
    return frozenset(found)


def says(sentence: str, quote: str) -> bool:
    """Whether a sentence can read like the quote: anything goes where the program puts something in."""
    # A sentence may be glued to what was said before.
    return any(_reading(one.strip()).fullmatch(quote) for one in (sentence, sentence.removeprefix(PLACE)))


@cache
def _reading(sentence: str) -> re.Pattern[str]:
    words = [re.sub(r"\s+", " ", piece) for piece in sentence.split(PLACE)]
    # What is little more than fields could read like anything.
    if sum(character.isalpha() for character in "".join(words)) < FEWEST_LETTERS:
        return re.compile(r"(?!)")
    return re.compile(".*".join(re.escape(piece) for piece in words))


def quotes(page: Path) -> list[str]:
    """What a page says that the program says: block quotes, `text` blocks, and cells under `phrase` or `sentence`."""
    text = text_of(page)
    found = [
        re.sub(r"^ *> ?", "", quote, flags=re.MULTILINE).replace("\n", " ").strip()
        for quote in re.findall(r"(?:^ *>.*\n)+", text, re.MULTILINE)
    ]
    lines = [line for block in code_blocks(text, "text") for line in block.splitlines()]
    found += [line for line in lines if line.strip() and not re.fullmatch(r"[A-Z_]+=\S+", line)]
    under = ""
    for line in text.splitlines():
        cells = next(rows(line), None)
        under = "" if cells is None and not line.startswith("|") else under
        if cells is not None:
            under = under or cells[0]
            found += [cells[0]] if under in ("phrase", "sentence") and cells[0] != under else []
    return [re.sub(r"\s+", " ", quote) for quote in found]


def test_quotes_are_found() -> None:
    found = quotes(NOTION_SETUP)
    assert len(found) > 40
    assert "Aucune utilisation." in found


@pytest.mark.parametrize(
    ("sentence", "quote", "expected"),
    [
        (f"Il manque la colonne « {PLACE} » : lancez setup.", "Il manque la colonne « Mois » : lancez setup.", True),
        (f"Il manque la colonne « {PLACE} » : lancez setup.", "Il manque la colonne « Mois » : lancez-le.", False),
        (f"{PLACE} Corrigé : {PLACE} → {PLACE} USD.", "Corrigé : 1,00 → 2,00 USD.", True),
        (f"{PLACE} {PLACE}", "N’importe quoi, vraiment.", False),
        (" Provisoire.", "Provisoire.", True),
    ],
)
def test_the_comparison_of_quotes(sentence: str, quote: str, expected: bool) -> None:
    assert says(sentence, quote) is expected


# Links


def anchors(page: Path) -> set[str]:
    """Anchors that GitHub gives to a page's headings."""
    without_blocks = re.sub(r"^ *```.*?^ *```$", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ +(.+)$", without_blocks, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_relative_links_lead_somewhere(page: Path) -> None:
    without_blocks = re.sub(r"^ *```.*?^ *```$", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    without_code = re.sub(r"`[^`\n]+`", "`", without_blocks)
    for link in re.findall(r"\]\(([^)\s]+)(?: \"[^\"]*\")?\)", without_code):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), f"{link} leads out of the project"
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{link}: no such heading"


# The two one-line commands


def readme_commands() -> list[list[str]]:
    return [shlex.split(block) for block in code_blocks(text_of(README))[:2]]


def dev_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def started_by(command: list[str], monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What `python3 dev.py …` would start, once everything is set up."""
    started: list[list[str]] = []

    class ReplacedError(Exception):
        """The process would be another one now."""

    def execv(_program: str, arguments: list[str]) -> NoReturn:
        started.append(arguments)
        raise ReplacedError

    dev = dev_module()
    monkeypatch.setattr(dev, "set_up", lambda: None)
    monkeypatch.setattr(dev, "run", started.append)
    monkeypatch.setattr(os, "execv", execv)
    monkeypatch.setattr(os, "chdir", lambda _folder: None)
    monkeypatch.setattr(sys, "argv", command[1:])
    with suppress(ReplacedError):
        dev.main()
    return started


def test_the_readme_begins_with_two_one_line_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    demo, test = readme_commands()
    assert demo[:2] == test[:2] == ["python3", "dev.py"]
    (started,) = started_by(demo, monkeypatch)
    assert started[1:] == ["-m", "cli.main", "demo"]
    assert [command[2] for command in started_by(test, monkeypatch)] == ["ruff", "ruff", "mypy", "pytest"]


def test_ci_runs_the_second_one() -> None:
    script = ROOT / ".ci" / "run"
    *_, last = text_of(script).splitlines()
    assert shlex.split(last) == readme_commands()[1]
    assert os.access(script, os.X_OK)

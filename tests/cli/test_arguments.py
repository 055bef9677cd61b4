"""Arguments and settings that can't be used: one clear sentence, exit status 2, nobody is asked anything."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from cli.parser import commands_of, parse, parser
from sandbox.everything import Sandbox
from tests.cli.programs import ROOT, Cli

BASH = shutil.which("bash")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One for all: nothing is asked of it."""
    with Sandbox() as sandbox:
        yield sandbox


WRONG = {
    "no such command": (("collekt",), "collekt"),
    "nearly a command": (("collct",), "did you mean collect?"),
    "nearly a provider": (("collect", "--provider", "openia"), "did you mean openai?"),
    "one wrong name in a list": (("collect", "--provider", "openai,deepgarm"), "did you mean deepgram?"),
    "a range where one month is meant": (("collect", "--month", "2026-01..2026-02"), "one month here"),
    "more of a range than a range": (("status", "--month", "2025-01..2025-02..2025-03"), "not a range"),
    "a range without its end": (("status", "--month", "2026-01.."), "'2026-01..' is not a range"),
    "neither a month nor a range": (("status", "--month", "janvier"), "2026-01..2026-06"),
    "an option before the command": (("--mnth", "collect"), "options stand behind the command"),
    "no name of a file": (("collect", "--env-file="), "name the file of settings"),
    "no month of a range": (("archive", "--month", "last-0"), "last-1"),
    "settings that are not there": (("collect", "--env-file", "nowhere/env"), "nowhere/env is not there"),
    "no such option": (("collect", "--mnth", "2026-01"), "--mnth"),
    "option cut short": (("collect", "--mon", "2026-01"), "--mon"),
    "not a month": (("collect", "--month", "janvier"), "janvier"),
    "no thirteenth month": (("collect", "--month", "2026-13"), "2026-13"),
    "month to come": (("collect", "--month", "2026-03"), "2026-03 has not begun"),
    "status of a month to come": (("status", "--month", "2031-01"), "2031-01 has not begun"),
    "range turned round": (("backfill", "2026-01", "2025-12"), "turned round"),
    "range in one word turned round": (("backfill", "2026-01..2025-12"), "turned round"),
    "range into the future": (("backfill", "2025-12", "2026-05"), "2026-05 has not begun"),
    "half a range": (("backfill", "2025-12"), "last"),
    "unknown provider": (("collect", "--provider", "mistral"), "mistral"),
    "account that nobody has": (("collect", "--account", "nobody"), "nobody"),
    "account of another provider": (("collect", "--provider", "openai", "--account", "prod"), "labo, memoways"),
}


@pytest.mark.parametrize(("arguments", "word"), WRONG.values(), ids=WRONG)
def test_wrong_arguments(cli: Cli, arguments: tuple[str, ...], word: str) -> None:
    told = cli(*arguments)
    assert (told.status, told.out) == (2, "")
    assert word in told.err
    assert told.err.startswith("llm-usage: ")
    assert cli.asked() == []


@pytest.mark.parametrize(("arguments", "word"), WRONG.values(), ids=WRONG)
def test_wrong_arguments_in_json(cli: Cli, arguments: tuple[str, ...], word: str) -> None:
    told = cli(*arguments, "--json")
    assert (told.status, told.err) == (2, "")
    assert list(told.json) == ["error"]
    assert word in told.json["error"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("2026-01", "2025-12", "--provider", "openai", "Deepgram", "--json"),
        ("--provider", "openai", "Deepgram", "2026-01", "2025-12"),
        ("--provider", "openai", "--provider=deepgram", "2026-01", "2025-12"),
    ],
)
def test_a_backfill_s_providers_and_months_in_any_order(cli: Cli, arguments: tuple[str, ...]) -> None:
    assert "turned round" in "".join((told := cli("backfill", *arguments)).out + told.err)


def test_an_unknown_provider_is_told_which_there_are(cli: Cli) -> None:
    told = cli("collect", "--provider", "mistral", "--json")
    assert all(name in told.json["error"] for name in ("openai", "anthropic", "elevenlabs", "deepgram", "openrouter"))


def test_version(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli("--version")
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"llm-usage {version('llm-usage')}\n"


def test_arguments_are_understood_before_anything_slow_is_imported() -> None:
    code = "import sys; from cli.parser import parse; parse(['status']); sys.exit(len(SLOW & sys.modules.keys()))"
    command = [sys.executable, "-c", code.replace("SLOW", "{'pydantic', 'babel'}")]
    begun = subprocess.run(command, env=os.environ | {"LLM_USAGE_LANG": "en"}, cwd=ROOT, check=False)
    assert begun.returncode == 0


@pytest.mark.parametrize("name", commands_of(parser()))
def test_help_has_no_line_that_begins_in_the_middle(name: str) -> None:
    text = commands_of(parser())[name].format_help()
    assert "%" not in text
    for example in (line.strip() for line in text.partition("examples:\n")[2].splitlines()):
        parse(example.split()[1:])


@pytest.mark.parametrize("columns", ["40", "80"])
@pytest.mark.parametrize("name", commands_of(parser()))
def test_help_ends_lines_between_words_and_tells_what_each_status_means(
    name: str, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = commands_of(parser())[name].format_help()
    told = text.partition("\n\n")[2]
    # An example stays in one line, to be copied; nor can Python break what it indents of the usage.
    assert all(len(line) <= int(columns) for line in told.splitlines() if not line.startswith("  llm-usage "))
    statuses = told.partition("exit status:\n")[2]
    assert re.findall(r"^ +([0-9]+)  ", statuses, re.MULTILINE) == ["0", "1", "2", "130"]


@pytest.mark.parametrize(
    "words",
    [
        ("openai,deepgram",),
        ("openai", "Deepgram"),
        ("openai,", "deepgram"),
        ("openai", "--provider=deepgram", "--provider", "openai"),
    ],
)
def test_providers_in_any_form(words: tuple[str, ...]) -> None:
    for command in ("collect", "backfill", "diff"):
        months = {"backfill": ["2025-01", "2025-02"], "diff": ["2025-01"]}.get(command, [])
        assert parse([command, "--provider", *words, *months]).provider == ["openai", "deepgram"]


@pytest.mark.skipif(BASH is None, reason="no bash on this machine")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("co",), {"completion", "collect"}),
        (("collect", "--provider", "open"), {"openai", "openrouter"}),
        (("check", "--env-file", "pyproj"), {"pyproject.toml"}),
        (("archive", "pr"), {"prune"}),
    ],
)
def test_bash_completes_commands_providers_and_files(cli: Cli, words: tuple[str, ...], offered: set[str]) -> None:
    ask = f"COMP_WORDS=(llm-usage {' '.join(words)}); COMP_CWORD={len(words)}; _shtab_llm_usage"
    script = f"{cli('completion', 'bash').out}\n{ask}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    told = subprocess.run([BASH or ""], input=script, capture_output=True, text=True, cwd=ROOT, check=True)
    assert set(told.stdout.split()) == offered


def test_a_folder_that_is_gone_is_told_before_anything_is_looked_for_there(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    told = cli("report")
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith("llm-usage: the current folder can't be found (")


def test_completion(cli: Cli) -> None:
    told = cli("completion", "bash")
    assert (told.status, told.err) == (0, "")
    assert "--accept-lower" in told.out


def test_a_named_file_of_settings(cli: Cli) -> None:
    cli.only()
    (cli.folder / "other").write_text("OPENAI_ADMIN_BASE_URL=http://example.org\n")
    (cli.folder / ".env").write_text("OPENAI_ADMIN_KEY=sk-admin-x\n")
    cli.unset("OPENAI_ADMIN_BASE_URL")
    assert "OPENAI_ADMIN_BASE_URL" in cli("collect", "--env-file", "other").err


def test_without_arguments(cli: Cli) -> None:
    told = cli()
    assert told.status == 2
    assert "collect" in told.out


@pytest.mark.parametrize("arguments", [("--help",), ("collect", "--help")])
def test_help(cli: Cli, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli(*arguments)
    assert ended.value.code == 0
    assert "llm-usage" in capsys.readouterr().out


SETTINGS = {
    "address without https": ({"OPENAI_ADMIN_BASE_URL": "http://example.org"}, "OPENAI_ADMIN_BASE_URL"),
    "not an id": ({"NOTION_USAGES_DB_ID": "usages"}, "NOTION_USAGES_DB_ID"),
    "not a rate": ({"NOTION_REQUESTS_PER_MINUTE": "fast"}, "NOTION_REQUESTS_PER_MINUTE"),
    "not a grain": ({"OPENAI_GRAIN": "team"}, "OPENAI_GRAIN"),
    "not an account": ({"OPENAI_ADMIN_KEY_ID": "sk-1"}, "OPENAI_ADMIN_KEY_ID"),
    "file that is not there": ({"DEEPGRAM_API_KEY_EU_FILE": "/nowhere"}, "DEEPGRAM_API_KEY_EU_FILE"),
    "not an instant": ({"LLM_USAGE_NOW": "soon"}, "LLM_USAGE_NOW"),
    "no token": ({"NOTION_TOKEN": ""}, "NOTION_TOKEN"),
}


@pytest.mark.parametrize(("variables", "word"), SETTINGS.values(), ids=SETTINGS)
def test_wrong_settings(cli: Cli, variables: dict[str, str], word: str) -> None:
    cli.set(**variables)
    for command in ("collect", "setup", "status"):
        told = cli(command, "--json")
        assert (told.status, told.err) == (2, "")
        assert word in told.json["error"]
    assert cli.asked() == []


def test_all_that_is_wrong_is_told_at_once(cli: Cli) -> None:
    cli.set(NOTION_USAGES_DB_ID="usages", OPENAI_GRAIN="team")
    told = cli("collect")
    assert told.status == 2
    assert "NOTION_USAGES_DB_ID" in told.err
    assert "OPENAI_GRAIN" in told.err


def test_no_key_at_all(cli: Cli) -> None:
    cli.only()
    for command in ("collect", "check"):
        told = cli(command)
        assert told.status == 2
        assert "OPENAI_ADMIN_KEY" in told.err
        assert "OPENROUTER_MANAGEMENT_KEY" in told.err


def test_empty_env_file(cli: Cli) -> None:
    cli.only()
    (cli.folder / ".env").touch()
    assert cli("collect").status == 2


def test_provider_without_a_key(cli: Cli) -> None:
    cli.only("DEEPGRAM_API_KEY_PROD")
    told = cli("collect", "--provider", "openai", "--json")
    assert told.status == 2
    assert "OPENAI_ADMIN_KEY" in told.json["error"]


def test_env_file_is_read(cli: Cli) -> None:
    cli.only()
    (cli.folder / ".env").write_text("OPENAI_ADMIN_BASE_URL=http://example.org\n")
    cli.unset("OPENAI_ADMIN_BASE_URL")
    assert "OPENAI_ADMIN_BASE_URL" in cli("collect").err


def test_other_peoples_characters_are_shown_not_obeyed(cli: Cli) -> None:
    told = cli("collect", "--account", "\x1b[2J\x1b]0;title\x07")
    assert told.status == 2
    assert "\x1b" not in told.err


def test_folder_of_prefect_that_cannot_be_written(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cli.set(PREFECT_HOME=str(tmp_path / "file"))
    told = cli("collect")
    assert told.status == 2
    assert "PREFECT_HOME" in told.err
    assert cli.asked() == []


def test_a_stranger_under_one_of_our_names(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    import sandbox

    monkeypatch.setattr(sandbox, "__file__", "/elsewhere/sandbox/__init__.py")
    told = cli("collect", "--json")
    assert told.status == 2
    assert "/elsewhere/sandbox/__init__.py" in told.json["error"]


IN_FRENCH = {
    "no such command": (("colect",), "il n’y a pas de commande 'colect' : vouliez-vous dire collect ?"),
    "no such option": (("collect", "--monht", "2026-01"), "llm-usage collect ne connaît pas --monht 2026-01"),
    "option that is close": (("collect", "--monht", "2026-01"), "vouliez-vous dire --month ?"),
    "argument too many": (("setup", "extra"), "llm-usage setup ne connaît pas extra (voir `llm-usage setup --help`)"),
    "argument too few": (("replay",), "il manque : month"),
    "option without its value": (("collect", "--month"), "--month : il manque une valeur"),
    "none of the choices": (("export", "pdf"), "format : 'pdf' n’est aucun de"),
    "not a number": (("report", "--months", "some"), "--months : 'some' n’est pas un nombre entier"),
    "value of a switch": (("collect", "--json=3"), "--json : cette option ne prend pas de valeur"),
    "no such provider": (("collect", "--provider", "openia"), "vouliez-vous dire openai ?"),
}


@pytest.mark.parametrize(("arguments", "told"), IN_FRENCH.values(), ids=IN_FRENCH)
def test_wrong_arguments_are_told_in_the_language_of_the_file(cli: Cli, arguments: tuple[str, ...], told: str) -> None:
    cli.unset("LLM_USAGE_LANG")
    (cli.folder / ".env").write_text("LLM_USAGE_LANG=fr\n")
    refused = cli(*arguments)
    assert refused.status == 2
    assert told in refused.err.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_help_is_in_the_language_of_the_named_file(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    cli.unset("LLM_USAGE_LANG")
    (cli.folder / "other").write_text("LLM_USAGE_LANG=fr\n")
    with pytest.raises(SystemExit):
        cli("collect", "--env-file=other", "--help")
    shown = capsys.readouterr().out
    assert shown.startswith("utilisation : ")
    assert "affiche cette aide" in shown
    assert "show this" not in shown


def test_help_needs_no_settings_that_can_be_read(cli: Cli) -> None:
    cli.unset("LLM_USAGE_LANG")
    (cli.folder / ".env").write_bytes(b"NOTION_CARRY_COLUMNS=\xc9quipe\n")
    with pytest.raises(SystemExit) as ended:
        cli("--help")
    assert ended.value.code == 0

"""`llm-usage check`: what works, and what to do about the rest."""

from __future__ import annotations

import re

import pytest

from cli.commands.check import Checked, Checkup, shared_ids
from notion.setup.checkup import CheckReport
from providers.shared.checks import CheckResult, CheckStatus
from sandbox.faults import Fault, Kind
from tests.cli.programs import Cli, Output
from usage.language.sentence import Sentence
from usage.names import ProviderName, Source
from usage.settings import Settings, load_settings


def line(told: Output, *words: str) -> str:
    """The one line that begins with these words, or holds the only one."""
    pattern = re.compile(r"\s+".join(re.escape(word) for word in words))
    found = [text for text in told.out.splitlines() if (pattern.match if words[1:] else pattern.search)(text)]
    assert len(found) == 1, found
    return str(found[0])


def test_all_is_well(ready: Cli) -> None:
    told = ready("check")
    assert (told.status, told.err) == (0, "")
    assert "Everything that the job needs works." in told.out
    assert "\x1b" not in told.out
    assert "both reach" not in told.out
    for name in ("openai/labo", "openai/memoways", "anthropic", "elevenlabs", "deepgram/labs", "openrouter"):
        assert any(text.startswith(name) for text in told.out.splitlines())
    assert told.out.endswith("next: llm-usage collect\n")
    detailed = ready("check", "--verbose")
    line(detailed, "Usages LLM", "Cout USD", "number", "number", "ok")
    line(detailed, "elevenlabs", "plan", "ok")
    assert [one for one in ready.asked() if one.startswith("notion") and " GET " not in one] == []


@pytest.mark.parametrize(
    ("variable", "key", "source", "what"),
    [
        ("OPENAI_ADMIN_KEY_LABO", "expired_key", "openai/labo", "costs"),
        ("OPENAI_ADMIN_KEY_LABO", "project_key", "openai/labo", "costs"),
        ("OPENAI_ADMIN_KEY_LABO", "registry_key", "openai/labo", "usage"),
        ("DEEPGRAM_API_KEY_LABS", "member_key", "deepgram/labs", "costs"),
        ("OPENROUTER_MANAGEMENT_KEY", "inference_key", "openrouter", "kind of key"),
    ],
)
def test_a_key_that_cannot_do_it(ready: Cli, variable: str, key: str, source: str, what: str) -> None:
    provider, _, name = variable.lower().partition("_")
    accounts = getattr(ready.sandbox, provider).accounts
    account = next(
        one for one in accounts if one.name.lower() == (name.rpartition("_")[2] if len(accounts) > 1 else "")
    )
    ready.set(**{variable: getattr(account, key)})
    told = ready("check")
    assert told.status == 1
    (row,) = (text for text in told.out.splitlines() if text.startswith(f"{source} "))
    assert re.search(rf"\b{what}\b.* bad ", row)
    assert f"wrong: {source}, {what}: " in told.out
    assert f"The key comes from {variable}." in told.out
    assert told.out.endswith("next: put this right, then run llm-usage check again\n")


def test_names_that_may_not_be_read_are_a_warning(ready: Cli) -> None:
    account = next(one for one in ready.sandbox.openai.accounts if one.name.lower() == "labo")
    ready.set(OPENAI_ADMIN_KEY_LABO=account.limited_key)
    told = ready("check")
    assert told.status == 0
    assert " warning " in line(told, "openai/labo", "project names")


def test_two_accounts_that_reach_the_same(ready: Cli) -> None:
    first = ready.sandbox.openai.accounts[0]
    ready.set(OPENAI_ADMIN_KEY_AGAIN=first.key)
    told = ready("check")
    assert told.status == 0
    sentence = line(told, "both reach")
    assert f"openai/again and openai/{first.name.lower()} both reach" in sentence
    assert "counted once, with openai/again" in sentence


def test_shared_ids_are_named_for_each_pair_of_one_provider() -> None:
    a, b, c = (Source(provider=ProviderName.OPENAI, account=name) for name in "abc")
    other = Source(provider=ProviderName.DEEPGRAM, account="d")
    ids = {c: frozenset("xz"), b: frozenset("xy"), a: frozenset("y"), other: frozenset("xyz")}
    assert [one.en for one in shared_ids(ids)] == [
        "openai/a and openai/b both reach y: counted once, with openai/a.",
        "openai/b and openai/c both reach x: counted once, with openai/b.",
    ]
    many = frozenset("1234567")
    assert "1, 2, 3, 4, 5 and 2 more" in str(shared_ids({a: many, b: many})[0])


def test_an_account_that_cannot_be_compared(ready: Cli) -> None:
    ready.only("DEEPGRAM_API_KEY_LABS", "DEEPGRAM_API_KEY_PROD")
    # Each account is asked for its projects by the check, then once more for comparing.
    ready.sandbox.faults.add(Fault(api="deepgram", kind=Kind.STATUS, status=403, path="/projects$", skip=2, times=2))
    told = ready("check")
    assert told.status == 0
    assert " warning " in line(told, "deepgram/labs", "ids")


def test_without_a_token_the_keys_are_checked_all_the_same(ready: Cli) -> None:
    ready.unset("NOTION_TOKEN")
    told = ready("check", "--verbose")
    assert told.status == 1
    assert "NOTION_TOKEN" in told.out
    assert " ok " in line(told, "elevenlabs", "plan")


def test_databases_not_set_up_yet(cli: Cli) -> None:
    told = cli("check")
    assert told.status == 1
    assert told.out.endswith("next: llm-usage setup\n")


def test_every_provider_has_a_line_also_those_without_a_key(ready: Cli) -> None:
    ready.only("ELEVENLABS_API_KEY")
    ready.set(ANTHROPIC_API_KEY="sk-ant-api03-secret")
    told = ready("check")
    assert told.status == 0
    assert " ok " in line(told, "elevenlabs", "usage, cost, key names, plan")
    for provider, hint in (
        ("openai", "OPENAI_ADMIN_KEY is not set"),
        ("anthropic", "this is an ordinary key; the job needs an admin key in ANTHROPIC_ADMIN_KEY"),
        ("deepgram", "DEEPGRAM_API_KEY is not set"),
        ("openrouter", "OPENROUTER_MANAGEMENT_KEY is not set"),
    ):
        assert hint in line(told, provider, "not", "configured")
    assert "secret" not in told.out


def test_a_slip_of_the_pen_is_told_and_no_value_is(ready: Cli) -> None:
    ready.only("ELEVENLABS_API_KEY")
    (ready.folder / ".env").write_text("ANTROPIC_ADMIN_KEY=secret\nOPENAI_API_KEY=secret\n")
    ready.set(NOTION_USAGE_DB_ID="secret", OPENAI_BASE_URL="https://secret.example")
    told = ready("check")
    assert told.status == 0
    notes = [text for text in told.out.splitlines() if "did you mean" in text]
    assert [text.split()[1] for text in notes] == ["ANTROPIC_ADMIN_KEY", "NOTION_USAGE_DB_ID"]
    assert "secret" not in told.out + told.err


def test_a_key_of_another_provider_is_recognised(ready: Cli) -> None:
    ready.only("OPENAI_ADMIN_KEY_LABO", "ELEVENLABS_API_KEY")
    ready.set(OPENAI_ADMIN_KEY_LABO="sk-ant-admin01-secret")
    told = ready("check")
    assert told.status == 1
    assert "The key comes from OPENAI_ADMIN_KEY_LABO and looks like one of Anthropic’s." in told.out
    assert "secret" not in told.out


def checkup(notion: CheckReport | Sentence, settings: Settings) -> Checkup:
    return Checkup(settings, (), notion)


def test_a_provider_that_has_rows_and_no_key_any_more() -> None:
    settings = load_settings({"OPENAI_ADMIN_KEY": "x"}, ())
    rows = frozenset({ProviderName.OPENAI, ProviderName.DEEPGRAM})
    (told,) = checkup(CheckReport((), (), True, rows), settings).notes
    assert told.en.startswith("Deepgram has rows in Notion but no key here")
    assert "set DEEPGRAM_API_KEY" in told.en


def test_the_command_that_notion_s_sentences_ask_for() -> None:
    settings = load_settings({"OPENAI_ADMIN_KEY": "x"}, ())
    missing = CheckReport((), (Sentence.of("Lancez llm-usage setup."),), False)
    assert checkup(missing, settings).next_command == "llm-usage setup"
    found = CheckResult(what="costs", status=CheckStatus.BAD, sentence="no")
    bad = Checked(Source(provider=ProviderName.OPENAI), (found,))
    assert Checkup(settings, (bad,), missing).next_command.startswith("llm-usage setup, then put this right")


def test_whether_readings_can_be_kept(ready: Cli) -> None:
    ready.only("DEEPGRAM_API_KEY_PROD")
    folder = ready.folder / "archive"
    ready.set(LLM_USAGE_ARCHIVE=str(folder))
    assert " ok " in line(ready("check"), "archive", "0 readings, 0 B")
    assert ready("collect", "--month", "2026-01").status == 0
    kept = sorted(folder.rglob("*"))
    told = ready("check", "--verbose")
    assert re.search(r"1 reading, \d+\.\d kB +ok ", line(told, "archive", "1"))
    assert f"Readings are kept in {folder}." in told.out
    assert sorted(folder.rglob("*")) == kept
    ready.set(LLM_USAGE_ARCHIVE="off")
    assert line(ready("check"), "archive", "off")


def test_an_archive_that_refuses_is_a_warning_with_what_to_do(ready: Cli) -> None:
    ready.only("DEEPGRAM_API_KEY_PROD")
    (ready.folder / "file").write_bytes(b"")
    ready.set(LLM_USAGE_ARCHIVE=str(ready.folder / "file"))
    told = ready("check")
    assert told.status == 0
    assert " warning " in line(told, "archive", "keeping readings")
    assert "Readings can’t be kept, and collections go on without: the archive" in told.out
    assert "LLM_USAGE_ARCHIVE" in told.out

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.catalogue import CATALOGUE
from usage.errors import SettingsError
from usage.names import Grain, ProviderName, Source
from usage.settings import BASE_URLS, KEY_VARIABLES, Settings, load_settings, missing_token, variable_of
from usage.settings.files import setting_files

KEY = "sk-very-secret-0123456789"
NOTION_ID = "0123456789abcdef0123456789abcdef"
DASHED = "01234567-89ab-cdef-0123-456789abcdef"
BASE_URL_VARIABLES = {
    ProviderName.OPENAI: "OPENAI_ADMIN_BASE_URL",
    ProviderName.ANTHROPIC: "ANTHROPIC_ADMIN_BASE_URL",
    ProviderName.ELEVENLABS: "ELEVENLABS_BASE_URL",
    ProviderName.DEEPGRAM: "DEEPGRAM_BASE_URL",
    ProviderName.OPENROUTER: "OPENROUTER_BASE_URL",
}


def load(**values: str) -> Settings:
    return load_settings(values, ())


def wrong(**values: str) -> str:
    with pytest.raises(SettingsError) as error:
        load(**values)
    return str(error.value)


def sources(settings: Settings) -> list[str]:
    return [credential.source.name for credential in settings.credentials]


# Keys and accounts


@pytest.mark.parametrize("provider", ProviderName)
def test_each_provider_has_any_number_of_accounts(provider: ProviderName) -> None:
    variable = KEY_VARIABLES[provider]
    settings = load(**{variable: KEY, f"{variable}_MEMOWAYS": KEY + "a", f"{variable}_2": KEY + "b"})
    assert [c.source.account for c in settings.credentials] == ["2", "default", "memoways"]
    assert {c.source.provider for c in settings.credentials} == {provider}
    for credential in settings.credentials:
        assert variable_of(credential.source) == credential.variable
        assert settings.credential(credential.source) is credential
    assert settings.credential(Source(provider=provider)).key.get_secret_value() == KEY


def test_sources_are_in_the_order_of_the_providers() -> None:
    settings = load(**dict.fromkeys(reversed(KEY_VARIABLES.values()), KEY))
    assert sources(settings) == [provider.value for provider in ProviderName]


def test_the_name_of_an_account() -> None:
    alone = load(OPENAI_ADMIN_KEY=KEY, DEEPGRAM_API_KEY_LABO=KEY)
    assert alone.label(Source(provider=ProviderName.OPENAI)) == ""
    assert alone.label(Source(provider=ProviderName.DEEPGRAM, account="labo")) == "labo"
    two = load(OPENAI_ADMIN_KEY=KEY, OPENAI_ADMIN_KEY_LABO=KEY)
    assert two.label(Source(provider=ProviderName.OPENAI)) == "default"


@pytest.mark.parametrize("word", ["ID", "PATH", "NAME", "URL", "HASH", "FILE_FILE", "MY_LAB", "É", "A-B", ""])
def test_words_that_do_not_name_an_account(word: str) -> None:
    message = wrong(**{f"DEEPGRAM_API_KEY_{word}": KEY})
    assert message.startswith(f"DEEPGRAM_API_KEY_{word}: ")
    assert "DEEPGRAM_API_KEY_ACME" in message
    assert KEY not in message


def test_other_variables_are_none_of_ours() -> None:
    assert sources(load(OPENAI_API_KEY=KEY, OPENAI_ADMIN_KEYS=KEY, XOPENAI_ADMIN_KEY=KEY)) == []


def test_an_account_has_one_key() -> None:
    message = wrong(OPENAI_ADMIN_KEY=KEY, OPENAI_ADMIN_KEY_DEFAULT=KEY + "b")
    assert "already has a key" in message
    assert KEY not in message


@pytest.mark.parametrize("key", ["two words", "né", "tab\tin it", "line\nbreak"])
def test_keys_that_no_header_takes(key: str) -> None:
    message = wrong(OPENAI_ADMIN_KEY=key, NOTION_TOKEN=key)
    assert {line.partition(":")[0] for line in message.splitlines()} == {"OPENAI_ADMIN_KEY", "NOTION_TOKEN"}
    assert key not in message


def test_blanks_around_a_key_and_empty_variables_do_not_count() -> None:
    settings = load(OPENAI_ADMIN_KEY=f"  {KEY}\n", DEEPGRAM_API_KEY="  ", NOTION_TOKEN="")
    assert sources(settings) == ["openai"]
    assert settings.credentials[0].key.get_secret_value() == KEY
    assert settings.notion.token is None


# Keys in files


def test_keys_in_mounted_files(tmp_path: Path) -> None:
    for name in ("plain", "labo", "notion"):
        (tmp_path / name).write_text(f"{KEY}-{name}\n")
    settings = load(
        OPENAI_ADMIN_KEY_FILE=str(tmp_path / "plain"),
        OPENAI_ADMIN_KEY_LABO_FILE=str(tmp_path / "labo"),
        NOTION_TOKEN_FILE=str(tmp_path / "notion"),
    )
    assert sources(settings) == ["openai", "openai/labo"]
    assert [c.key.get_secret_value() for c in settings.credentials] == [f"{KEY}-plain", f"{KEY}-labo"]
    assert settings.notion.token is not None
    assert settings.notion.token.get_secret_value() == f"{KEY}-notion"


def test_files_that_hold_no_key(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe" + KEY.encode())
    message = wrong(
        OPENAI_ADMIN_KEY_FILE=str(tmp_path / "none"),
        DEEPGRAM_API_KEY_FILE=str(tmp_path / "empty"),
        ELEVENLABS_API_KEY_FILE=str(tmp_path / "binary"),
        ANTHROPIC_ADMIN_KEY_FILE=str(tmp_path),
    )
    assert len(message.splitlines()) == 4
    assert "DEEPGRAM_API_KEY_FILE: the file it names is empty" in message
    assert KEY not in message


def test_a_key_and_a_file_for_the_same_account(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    assert "already has a key" in wrong(OPENAI_ADMIN_KEY=KEY + "b", OPENAI_ADMIN_KEY_FILE=str(tmp_path / "key"))
    assert sources(load(OPENAI_ADMIN_KEY=KEY, OPENAI_ADMIN_KEY_FILE=str(tmp_path / "key"))) == ["openai"]


# Second names


SECOND_NAMES = [(spec.name, name) for spec in CATALOGUE.values() for name in spec.second_names]


def test_the_names_that_people_really_have_are_among_them() -> None:
    assert {
        (ProviderName.ANTHROPIC, "ANTHROPIC_ADMIN_API_KEY"),
        (ProviderName.ELEVENLABS, "XI_API_KEY"),
        (ProviderName.OPENROUTER, "OPENROUTER_ADMIN_KEY"),
        (ProviderName.DEEPGRAM, "DEEPGRAM_ADMIN_KEY"),
    } <= set(SECOND_NAMES)


@pytest.mark.parametrize(("provider", "name"), SECOND_NAMES)
def test_a_second_name_is_as_good_as_the_first(provider: ProviderName, name: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY + "b")
    settings = load(**{name: KEY, f"{name}_LABO_FILE": str(tmp_path / "key")})
    assert [(c.source.account, c.variable) for c in settings.credentials] == [
        ("default", name),
        ("labo", f"{name}_LABO_FILE"),
    ]
    assert {c.source.provider for c in settings.credentials} == {provider}
    assert settings.slips == ()
    assert wrong(**{f"{name}_ID": KEY}).startswith(f"{name}_ID: ")


@pytest.mark.parametrize(("provider", "name"), SECOND_NAMES)
def test_two_names_for_one_account(provider: ProviderName, name: str) -> None:
    first = KEY_VARIABLES[provider]
    message = wrong(**{first: KEY, name: KEY + "b"})
    assert message.splitlines() == [
        f"{name}: the account default of {provider} already has a key, another one, in {first}; keep one of the two"
    ]
    assert sources(load(**{first: KEY, name: KEY})) == [provider]
    assert sources(load(**{first: KEY, f"{name}_LABO": KEY + "b"})) == [provider, f"{provider}/labo"]


# `.env`


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"OPENAI_ADMIN_KEY=from-file\nDEEPGRAM_API_KEY='{KEY}'\nOPENAI_GRAIN\n")
    settings = load_settings({"OPENAI_ADMIN_KEY": KEY}, [dotenv])
    assert [c.key.get_secret_value() for c in settings.credentials] == [KEY, KEY]
    assert load_settings({}, [tmp_path / "none"]).credentials == ()


@pytest.mark.parametrize(
    ("line", "number"),
    [(f"NOTION_TOKEN {KEY}", 5), (f'NOTION_TOKEN="{KEY}', 5), (f"\r\n# why\r\nNOTION_TOKEN: {KEY}\r", 7)],
)
def test_a_line_that_sets_nothing_is_refused_by_its_number_alone(tmp_path: Path, line: str, number: int) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(f"OPENAI_GRAIN=api_key\nexport DEEPGRAM_GRAIN='project' # why\n\n\n{line}\nX=1\n".encode())
    with pytest.raises(SettingsError, match=rf"\.env, line {number}: this is no setting") as refused:
        load_settings({}, [dotenv])
    assert KEY not in str(refused.value)


def test_an_empty_variable_of_the_shell_does_not_hide_the_file(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"OPENAI_ADMIN_KEY={KEY}\nOPENAI_GRAIN=api_key\nNOTION_TOKEN={KEY}\n")
    settings = load_settings(dict.fromkeys(("OPENAI_ADMIN_KEY", "OPENAI_GRAIN", "NOTION_TOKEN"), " "), [dotenv])
    assert sources(settings) == ["openai"]
    assert settings.grains[ProviderName.OPENAI] is Grain.API_KEY
    assert settings.notion.token is not None


def test_a_slip_is_told_with_its_place_and_without_its_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    dotenv = Path(".env")
    dotenv.write_text(f"ANTROPIC_ADMIN_KEY={KEY}\nNOTION_USAGE_DB_ID={KEY}\nOPENAI_ADMINKEY=\n")
    settings = load_settings({"NOTION_USAGE_DB_ID": KEY}, [dotenv])
    first, second = settings.slips
    assert first.en.startswith("ANTROPIC_ADMIN_KEY (in .env) ")
    assert "did you mean ANTHROPIC_ADMIN_KEY?" in first.en
    assert second.en.startswith("NOTION_USAGE_DB_ID (in .env, the environment) ")
    assert "did you mean NOTION_USAGES_DB_ID?" in second.en
    with pytest.raises(SettingsError, match="ANTROPIC_ADMIN_KEY") as error:
        settings.select()
    assert KEY not in str(error.value)


def test_an_ordinary_key_in_place_of_the_one_that_is_needed() -> None:
    settings = load(ANTHROPIC_API_KEY=KEY, OPENAI_API_KEY=KEY, OPENAI_ADMIN_KEY=KEY)
    (sentence,) = settings.ordinary_keys.values()
    assert sentence.en == (
        "ANTHROPIC_API_KEY is set: this is an ordinary key; the job needs an admin key in ANTHROPIC_ADMIN_KEY"
    )
    with pytest.raises(SettingsError, match=r"no key for anthropic.*\n.*ordinary key"):
        settings.select([ProviderName.ANTHROPIC])
    (misplaced,) = load(ANTHROPIC_API_KEY="sk-ant-admin01-secret").ordinary_keys.values()
    assert "seems to hold an admin key: put it into ANTHROPIC_ADMIN_KEY" in misplaced.en
    assert "secret" not in misplaced.en


def test_a_file_from_a_windows_editor(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(b"\xef\xbb\xbfOPENAI_ADMIN_KEY=" + KEY.encode() + b"\r\nOPENAI_GRAIN=api_key\r\n")
    settings = load_settings({}, [dotenv])
    assert sources(settings) == ["openai"]
    assert settings.grains[ProviderName.OPENAI] is Grain.API_KEY


def test_a_file_that_is_no_text_does_not_show_what_it_holds(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(b"OPENAI_ADMIN_KEY=" + KEY.encode() + b"\xff\n")
    with pytest.raises(SettingsError, match="UTF-8") as error:
        load_settings({}, [dotenv])
    assert KEY not in repr(error.value)
    assert error.value.__suppress_context__


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.touch(mode=stat.S_IWUSR)
    with pytest.raises(SettingsError, match="can't be read"):
        load_settings({}, [dotenv])


def test_a_file_that_cannot_even_be_looked_for(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"\.env: can't be read"):
        load_settings({}, [tmp_path / ("x" * 300) / ".env"])


@pytest.mark.parametrize("place", [".env", "config/llm-usage/env", "named"])
def test_a_folder_is_no_file_of_settings(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(place).mkdir(parents=True)
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "OPENAI_ADMIN_KEY": KEY}
    with pytest.raises(SettingsError, match=f"{place}: settings are read from a file, and this is a folder"):
        load_settings(environment | ({"LLM_USAGE_ENV_FILE": place} if place == "named" else {}))


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"DEEPGRAM_API_KEY={KEY}\n")
    for variable in KEY_VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("OPENAI_ADMIN_KEY", KEY)
    assert sources(load_settings()) == ["openai", "deepgram"]


# Addresses


@pytest.mark.parametrize("provider", ProviderName)
def test_base_urls(provider: ProviderName) -> None:
    variable = BASE_URL_VARIABLES[provider]
    assert load().base_urls[provider] == BASE_URLS[variable]
    changed = load(**{variable: "https://proxy.example/api/"})
    assert changed.base_urls[provider] == "https://proxy.example/api"
    assert {p for p in ProviderName if changed.base_urls[p] != load().base_urls[p]} == {provider}


def test_the_bank_s_address_is_held_to_the_same_rules() -> None:
    assert load().reports.ecb_base_url == BASE_URLS["ECB_BASE_URL"] == "https://data-api.ecb.europa.eu/service"
    assert load(ECB_BASE_URL="http://127.0.0.1:8000/ecb/").reports.ecb_base_url == "http://127.0.0.1:8000/ecb"
    with pytest.raises(SettingsError, match="ECB_BASE_URL: give an https:// address"):
        load(ECB_BASE_URL="http://data-api.ecb.europa.eu/service")


def test_the_address_for_model_calls_is_not_ours() -> None:
    assert load(OPENAI_BASE_URL="https://proxy.example").base_urls == load().base_urls


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000"])
def test_loopback_needs_no_encryption(host: str) -> None:
    assert load(NOTION_BASE_URL=f"http://{host}/notion").notion.base_url == f"http://{host}/notion"


@pytest.mark.parametrize(
    "address",
    [
        "http://api.openai.com/v1",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost@example.com",
        "ftp://localhost",
        "api.openai.com/v1",
        "https://",
        "https://user@example.com",
        f"https://:{KEY}@example.com",
        f"https://user:{KEY}@example.com",
        f"https://example.com/?key={KEY}",
        "https://example.com/#part",
        "https://example.com?",
        "https://exam ple.com",
        "https://example.com:port",
        "https://example.com:99999",
        "https://[::1",
    ],
)
@pytest.mark.parametrize("variable", [*BASE_URL_VARIABLES.values(), "NOTION_BASE_URL"])
def test_addresses_that_keys_may_not_travel_to(variable: str, address: str) -> None:
    message = wrong(**{variable: address})
    assert message.startswith(f"{variable}: ")
    assert KEY not in message


# Notion


@pytest.mark.parametrize(
    "text",
    [
        NOTION_ID,
        DASHED,
        NOTION_ID.upper(),
        f"https://www.notion.so/acme/{NOTION_ID}",
        f"https://www.notion.so/acme/Usages-LLM-{NOTION_ID}?v=ffffffffffffffffffffffffffffffff&pvs=4",
        f"https://www.notion.so/Cafe-decade-{NOTION_ID}#ffffffffffffffffffffffffffffffff",
        f"https://www.notion.so/acme/Page-{NOTION_ID}/",
        f"www.notion.so/acme/{NOTION_ID}?v=ffffffffffffffffffffffffffffffff",
        f"{NOTION_ID}?v=ffffffffffffffffffffffffffffffff",
    ],
)
@pytest.mark.parametrize("variable", ["NOTION_SERVICES_DB_ID", "NOTION_USAGES_DB_ID", "NOTION_PARENT_PAGE_ID"])
def test_notion_ids(variable: str, text: str) -> None:
    notion = load(**{variable: text}).notion
    assert getattr(notion, variable.removeprefix("NOTION_").lower()) == DASHED


@pytest.mark.parametrize(
    "text", ["Usages", NOTION_ID[1:], "https://www.notion.so/acme", "http://[bad", f"x?v={NOTION_ID}"]
)
def test_what_is_no_notion_id(text: str) -> None:
    assert wrong(NOTION_USAGES_DB_ID=text).startswith("NOTION_USAGES_DB_ID: no Notion id")


def test_notion_defaults_and_both_names_of_the_token() -> None:
    notion = load().notion
    assert (notion.token, notion.base_url, notion.requests_per_minute) == (None, "https://api.notion.com", 180)
    assert notion.services_db_id is notion.usages_db_id is notion.parent_page_id is None
    for values in ({"NOTION_API_KEY": KEY}, {"NOTION_TOKEN": KEY, "NOTION_API_KEY": "other"}):
        token = load(**values).notion.token
        assert token is not None
        assert token.get_secret_value() == KEY
    assert load(NOTION_REQUESTS_PER_MINUTE="600").notion.requests_per_minute == 600
    assert load(NOTION_REQUESTS_PER_MINUTE="0600").notion.requests_per_minute == 600


@pytest.mark.parametrize("rate", ["0", "-3", "fast", "1.5", "²", "٣", "1000000", "9" * 400])
def test_rates_that_are_none(rate: str) -> None:
    assert wrong(NOTION_REQUESTS_PER_MINUTE=rate).startswith("NOTION_REQUESTS_PER_MINUTE: ")


# Grains and the clock


def test_default_grains() -> None:
    assert load().grains == {
        ProviderName.OPENAI: Grain.PROJECT,
        ProviderName.ANTHROPIC: Grain.API_KEY,
        ProviderName.ELEVENLABS: Grain.API_KEY,
        ProviderName.DEEPGRAM: Grain.PROJECT,
        ProviderName.OPENROUTER: Grain.API_KEY,
    }


@pytest.mark.parametrize("provider", ProviderName)
@pytest.mark.parametrize("grain", Grain)
def test_grains_can_be_chosen(provider: ProviderName, grain: Grain) -> None:
    variable = f"{provider.value.upper()}_GRAIN"
    assert load(**{variable: grain.value}).grains[provider] is grain
    assert wrong(**{variable: "model"}).startswith(f"{variable}: ")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-02-05T08:00:00Z", datetime(2026, 2, 5, 8, tzinfo=UTC)),
        ("2026-02-05T08:00:00+01:00", datetime(2026, 2, 5, 7, tzinfo=UTC)),
        ("2026-02-05T08:00:00", datetime(2026, 2, 5, 8, tzinfo=UTC)),
        ("2026-02-05", datetime(2026, 2, 5, tzinfo=UTC)),
    ],
)
def test_an_instant_instead_of_the_clock(text: str, instant: datetime) -> None:
    settings = load(LLM_USAGE_NOW=text)
    assert settings.fixed_now == settings.now() == instant
    assert settings.now().utcoffset() == instant.utcoffset()


@pytest.mark.parametrize("text", ["yesterday", "9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59Z", "0001-01-01"])
def test_what_is_no_instant(text: str) -> None:
    assert wrong(LLM_USAGE_NOW=text).startswith("LLM_USAGE_NOW: ")


def test_the_clock_is_utc() -> None:
    settings = load()
    assert settings.fixed_now is None
    assert settings.now().tzinfo is UTC


# Selecting


def test_selecting_sources() -> None:
    settings = load(OPENAI_ADMIN_KEY_LABO=KEY, OPENAI_ADMIN_KEY=KEY, DEEPGRAM_API_KEY_LABO=KEY)
    assert [source.name for source in settings.select()] == ["openai", "openai/labo", "deepgram/labo"]
    openai = [ProviderName.OPENAI, ProviderName.OPENAI]
    assert [source.name for source in settings.select(openai)] == ["openai", "openai/labo"]
    assert [source.name for source in settings.select(account="LABO")] == ["openai/labo", "deepgram/labo"]
    assert [source.name for source in settings.select([ProviderName.DEEPGRAM], "labo")] == ["deepgram/labo"]


def test_who_is_in_the_wrong_folder_is_told_where_settings_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LLM_USAGE_ENV_FILE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "mine"))
    looked_for = f"(looked for: {tmp_path}/.env, {tmp_path}/mine/llm-usage/env)"
    with pytest.raises(SettingsError, match="no provider key is set") as refused:
        load().select()
    assert looked_for in str(refused.value)
    assert looked_for in missing_token().en


def test_selecting_what_is_not_there() -> None:
    with pytest.raises(SettingsError, match=r"no provider key is set.*DEEPGRAM_API_KEY"):
        load().select()
    settings = load(OPENAI_ADMIN_KEY_LABO=KEY)
    with pytest.raises(SettingsError, match="no key for deepgram: set DEEPGRAM_API_KEY"):
        settings.select([ProviderName.OPENAI, ProviderName.DEEPGRAM])
    with pytest.raises(SettingsError, match="no account is called 'home': known here are labo"):
        settings.select(account="home")
    with pytest.raises(SettingsError, match="no key for openai/home: set OPENAI_ADMIN_KEY_HOME"):
        settings.credential(Source(provider=ProviderName.OPENAI, account="home"))


# All that is wrong, and nothing that is secret


def test_one_error_lists_all_that_is_wrong() -> None:
    message = wrong(
        OPENAI_ADMIN_KEY_ID=KEY,
        OPENAI_ADMIN_BASE_URL="http://proxy.example",
        DEEPGRAM_GRAIN="row",
        NOTION_REQUESTS_PER_MINUTE="many",
        NOTION_PARENT_PAGE_ID="here",
        LLM_USAGE_NOW="soon",
    )
    assert len(message.splitlines()) == 6
    assert KEY not in message


@given(st.text("abcdefABCDEF0123456789_-.", min_size=12, max_size=60))
def test_keys_are_nowhere_to_be_seen(key: str) -> None:
    settings = load(OPENAI_ADMIN_KEY=key, OPENAI_ADMIN_KEY_LABO=key, NOTION_TOKEN=key)
    seen = [repr(settings), str(settings), settings.model_dump_json(), repr(settings.model_dump())]
    seen += [repr(credential) for credential in settings.credentials]
    for account in (key, f"{key}!"):
        with pytest.raises(SettingsError) as error:
            settings.select([ProviderName.DEEPGRAM], account)
        seen.append(str(error.value))
    for text in seen:
        assert key not in text


# The archive


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("", ""),
        ("off", "off"),
        (" OFF ", "off"),
        ("/srv/archive/", "/srv/archive"),
        ("~/archive", "~/archive"),
        ("./archive", str(Path.cwd() / "archive")),
        ("../archive", str(Path.cwd().parent / "archive")),
        ("s3://bucket/folder", "s3://bucket/folder"),
        ("s3://bucket?region=eu-west-3", "s3://bucket?region=eu-west-3"),
        ("s3://b/f?endpoint_override=minio:9000&scheme=http", "s3://b/f?endpoint_override=minio:9000&scheme=http"),
        ("gs://bucket/folder", "gs://bucket/folder"),
        ("file:///srv/archive", "file:///srv/archive"),
    ],
)
def test_where_the_archive_is(written: str, address: str) -> None:
    assert load(LLM_USAGE_ARCHIVE=written).archive == address


@pytest.mark.parametrize(
    "written",
    [
        *("none", "false", "s3", "archive", "s3:bucket/folder", "s3:/bucket", "/srv/a\nrchive"),
        *(
            "s3://",
            "s3:///folder",
            "s 3://bucket",
            "://bucket",
            "https://bucket.example.com/a",
            "file://host/a",
            "file://",
        ),
        *(
            "s3://user:secret@bucket/a",
            "s3://bucket/a?secret_key=secret",
            "s3://bucket/a?region",
            "s3://bucket/a#secret",
        ),
        *("s3://[bucket/secret", "s3://bucket/a b"),
    ],
)
def test_what_is_no_place_for_an_archive(written: str) -> None:
    message = wrong(LLM_USAGE_ARCHIVE=written)
    assert message.startswith("LLM_USAGE_ARCHIVE: ")
    assert "s3://bucket/folder" in message
    assert "secret" not in message
    assert message.count("\n") == 0


def test_the_environment_wins_then_the_folder_then_the_user_s_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "config" / "llm-usage" / "env"
    home.parent.mkdir(parents=True)
    home.write_text("OPENAI_ADMIN_KEY=of-the-user\nOPENAI_GRAIN=api_key\nDEEPGRAM_GRAIN=api_key\n")
    Path(".env").write_text("OPENAI_ADMIN_KEY=of-the-folder\nDEEPGRAM_GRAIN=project\n")
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    settings = load_settings(environment)
    assert settings.credentials[0].key.get_secret_value() == "of-the-folder"
    assert settings.grains[ProviderName.OPENAI] is Grain.API_KEY
    assert settings.grains[ProviderName.DEEPGRAM] is Grain.PROJECT
    Path(".env").unlink()
    assert load_settings(environment).credentials[0].key.get_secret_value() == "of-the-user"
    shell = environment | {"OPENAI_ADMIN_KEY": "of-the-shell"}
    assert load_settings(shell).credentials[0].key.get_secret_value() == "of-the-shell"


def test_a_named_file_counts_alone_and_has_to_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text(f"OPENAI_ADMIN_KEY={KEY}\n")
    other = tmp_path / "other"
    with pytest.raises(SettingsError, match="other is not there"):
        load_settings({"LLM_USAGE_ENV_FILE": str(other)})
    other.write_text(f"DEEPGRAM_API_KEY={KEY}\n")
    assert sources(load_settings({"LLM_USAGE_ENV_FILE": str(other)})) == ["deepgram"]


def test_a_user_without_a_home_has_no_file_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: Path) -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "expanduser", none)
    assert setting_files({}) == (Path(".env"),)

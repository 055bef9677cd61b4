"""Settings from the environment and from `.env`, typed, with secrets masked and one message for all that is wrong."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr

from usage.catalogue import CATALOGUE, NOTION_ADDRESS
from usage.errors import SettingsError
from usage.language.reasons import reason_of
from usage.language.saying import say, together
from usage.language.sentence import Sentence
from usage.names import DEFAULT_ACCOUNT, Grain, ProviderName, Source
from usage.settings.addresses import read_address
from usage.settings.files import looked_for, read_files, setting_files
from usage.settings.reports import ECB_ADDRESS, ReportSettings, read_report_settings
from usage.settings.slips import ordinary_key, slips

KEY_VARIABLES: Final = {spec.name: spec.key_variable for spec in CATALOGUE.values()}
"""Variable that holds a provider's key, the name in the documentation."""
BASE_URLS: Final = {
    **{spec.address_variable: spec.address for spec in CATALOGUE.values()},
    "NOTION_BASE_URL": NOTION_ADDRESS,
    "ECB_BASE_URL": ECB_ADDRESS,
}
"""Addresses by their variables."""
_NOT_ACCOUNTS: Final = ("ID", "PATH", "NAME", "URL", "HASH", "FILE")
ARCHIVE_OFF: Final = "off"
"""In place of the archive's address."""
_YEARS: Final = range(2000, 3000)
_STORE_OPTIONS: Final = frozenset({"region", "endpoint_override", "scheme"})
"""Of an object store's address. Keys are none of them: they would stand in messages and lists of processes."""


def missing_token() -> Sentence:
    """What to do where there is no token for Notion."""
    return say(
        "NOTION_TOKEN is missing: create a Notion connection and put its token into .env (looked for: {files})",
        files=looked_for(),
    )


class Credential(BaseModel):
    """One key of one provider: one account."""

    model_config = ConfigDict(frozen=True)

    source: Source
    variable: str
    """Name of the variable it came from, for messages."""
    key: SecretStr

    @property
    def mark(self) -> str:
        """By which the same key is known again, and from which nobody can tell it: 32 bits of a hash."""
        return hashlib.sha256(b"llm-usage " + self.key.get_secret_value().encode()).hexdigest()[:8]


class NotionSettings(BaseModel):
    """How to reach Notion. Ids are database or page ids, dashed or not, or addresses, as the user gave them."""

    model_config = ConfigDict(frozen=True)

    token: SecretStr | None
    base_url: str
    services_db_id: str | None
    usages_db_id: str | None
    parent_page_id: str | None
    requests_per_minute: int


class Settings(BaseModel):
    """Everything that the environment says."""

    model_config = ConfigDict(frozen=True)

    credentials: tuple[Credential, ...]
    base_urls: dict[ProviderName, str]
    grains: dict[ProviderName, Grain]
    notion: NotionSettings
    reports: ReportSettings = ReportSettings()
    fixed_now: datetime | None
    archive: str = ""
    """Where readings are kept: a folder's whole path, or `scheme://…`; empty: in the user's data folder; `off`."""
    slips: tuple[Sentence, ...] = ()
    """One sentence for each variable whose name is close to one of ours and is none."""
    ordinary_keys: dict[ProviderName, Sentence] = {}
    """Of providers without a key: what to say where a key of the wrong kind lies in a variable of its own."""

    def now(self) -> datetime:
        """The clock, UTC, or the instant that `LLM_USAGE_NOW` puts in its place."""
        return self.fixed_now or datetime.now(UTC)

    def credential(self, source: Source) -> Credential:
        """The key of a source.

        Raises:
            SettingsError: There is none.
        """
        for credential in self.credentials:
            if credential.source == source:
                return credential
        raise SettingsError(say("no key for {source}: set {variable}", source=source, variable=variable_of(source)))

    def label(self, source: Source) -> str:
        """The account as Notion shows it: empty when it is the provider's only key and has no name."""
        accounts = [c.source.account for c in self.credentials if c.source.provider is source.provider]
        return "" if accounts == [DEFAULT_ACCOUNT] else source.account

    def with_sources(self, sources: Iterable[Source]) -> Self:
        """The same with an empty key for each of these that has none: their figures are not the provider's to ask."""
        have_keys = {credential.source for credential in self.credentials}
        empty = [
            Credential(source=source, variable=variable_of(source), key=SecretStr(""))
            for source in sources
            if source not in have_keys
        ]
        return self.model_copy(update={"credentials": (*self.credentials, *empty)})

    def without_key(self, providers: Iterable[ProviderName]) -> list[Sentence]:
        """One sentence for each of these providers, which have rows in Notion, that has no key here."""
        have_keys = {credential.source.provider for credential in self.credentials}
        absent = sorted(set(providers) - have_keys, key=list(ProviderName).index)
        ask = {provider: say("set {variable}", variable=KEY_VARIABLES[provider]) for provider in absent}
        advice = ask | self.ordinary_keys
        return [
            say(
                "{provider} has rows in Notion but no key here, so new months come without it: {advice}. "
                "If it is no longer used, set its Statut in Notion to Inactif.",
                provider=provider.label,
                advice=advice[provider],
            )
            for provider in absent
        ]

    def select(self, providers: Iterable[ProviderName] = (), account: str | None = None) -> list[Source]:
        """The sources that have a key, narrowed to some providers and to one account.

        Raises:
            SettingsError: No key at all, a named provider without a key, or an account that nobody has.
        """
        sources = [credential.source for credential in self.credentials]
        if not sources:
            names = ", ".join(KEY_VARIABLES.values())
            sentence = say(
                "no provider key is set: put at least one of {names} in the environment or in .env "
                "(looked for: {files})",
                names=names,
                files=looked_for(),
            )
            raise SettingsError(together([sentence, *self.ordinary_keys.values(), *self.slips], between="\n"))
        wanted = list(dict.fromkeys(providers))
        for provider in wanted:
            if all(source.provider is not provider for source in sources):
                hint = [self.ordinary_keys[provider]] if provider in self.ordinary_keys else []
                sentence = say("no key for {source}: set {variable}", source=provider, variable=KEY_VARIABLES[provider])
                raise SettingsError(together([sentence, *hint, *self.slips], between="\n"))
        chosen = [source for source in sources if not wanted or source.provider in wanted]
        if account is None:
            return chosen
        matching = [source for source in chosen if source.account == account.lower()]
        if not matching:
            known = ", ".join(sorted({source.account for source in chosen}))
            raise SettingsError(
                say("no account is called {account}: known here are {known}", account=repr(account), known=known)
            )
        return matching


def variable_of(source: Source) -> str:
    """Name of the variable that holds a source's key."""
    name = KEY_VARIABLES[source.provider]
    return name if source.account == DEFAULT_ACCOUNT else f"{name}_{source.account.upper()}"


def load_settings(environment: Mapping[str, str] | None = None, files: Sequence[Path] | None = None) -> Settings:
    """Read the settings; the environment wins over files, and an empty variable counts as not set in all of them.

    Args:
        environment: In place of the process's environment.
        files: Files of settings, the one that wins first, in place of those that count; one that does not exist is
            empty.

    Raises:
        SettingsError: One line for each thing that is wrong. Values of secrets are not shown.
    """
    in_shell = _drop_empty(os.environ if environment is None else environment)
    in_files = read_files(setting_files(in_shell) if files is None else tuple(files))
    values = {name: value for name, (value, _) in in_files.items()} | in_shell
    wrong: list[Sentence] = []
    credentials = tuple(_credentials(values, wrong))
    have_keys = {credential.source.provider for credential in credentials}
    settings = Settings(
        credentials=credentials,
        base_urls={provider: _base_url(provider.spec.address_variable, values, wrong) for provider in ProviderName},
        grains={provider: _grain(provider, values, wrong) for provider in ProviderName},
        notion=_notion(values, wrong),
        reports=read_report_settings(values, wrong),
        fixed_now=_now(values, wrong),
        archive=_archive(values, wrong),
        slips=slips({**_by_file(in_files), say("the environment"): in_shell}),
        ordinary_keys={
            spec.name: sentence
            for spec in CATALOGUE.values()
            if spec.name not in have_keys and (sentence := ordinary_key(spec, values)) is not None
        },
    )
    if wrong:
        raise SettingsError(together(wrong, between="\n"))
    return settings


def _by_file(in_files: Mapping[str, tuple[str, str]]) -> dict[Sentence, list[str]]:
    found: dict[Sentence, list[str]] = {}
    for name, (_, file) in in_files.items():
        found.setdefault(Sentence.of(file), []).append(name)
    return found


def _drop_empty(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value.strip() for name, value in values.items() if value.strip()}


def _credentials(values: Mapping[str, str], wrong: list[Sentence]) -> list[Credential]:
    found: dict[Source, Credential] = {}
    for spec in CATALOGUE.values():
        named = [(variable, name) for variable in spec.key_variables for name in sorted(values)]
        for variable, name in named:
            if name != variable and not name.startswith(variable + "_"):
                continue
            credential = _credential(spec.name, variable, name, values[name], wrong)
            if credential is None:
                continue
            before = found.setdefault(credential.source, credential)
            if before.key != credential.key:
                wrong.append(
                    say(
                        "{name}: the account {account} of {provider} already has a key, another one, in "
                        "{variable}; keep one of the two",
                        name=name,
                        account=before.source.account,
                        provider=spec.name,
                        variable=before.variable,
                    )
                )
    return sorted(found.values(), key=lambda c: (list(ProviderName).index(c.source.provider), c.source.account))


def _credential(
    provider: ProviderName, variable: str, name: str, value: str, wrong: list[Sentence]
) -> Credential | None:
    """The key that a variable holds, or that the file it names does; None where there is none to be had.

    Args:
        provider: Whose key it is.
        variable: The variable without suffixes.
        name: With them: account, `FILE`.
        value: What is in it.
        wrong: Told what is amiss.
    """
    suffix = name[len(variable) + 1 :].upper()
    is_file = suffix == "FILE" or suffix.endswith("_FILE")
    account = suffix.removesuffix("FILE").removesuffix("_") if is_file else suffix
    can_name = account not in _NOT_ACCOUNTS and re.fullmatch(r"[A-Z0-9]+", account) is not None
    if name not in (variable, f"{variable}_FILE") and not can_name:
        wrong.append(
            say(
                "{name}: {account} can't name an account; use letters and digits, and not one of {names}, for "
                "example {variable}_ACME",
                name=name,
                account=repr(account),
                names=", ".join(_NOT_ACCOUNTS),
                variable=variable,
            )
        )
        return None
    key = _read_key(name, value, wrong) if is_file else value
    if not key:
        return None
    source = Source(provider=provider, account=account.lower() or DEFAULT_ACCOUNT)
    return Credential(source=source, variable=name, key=SecretStr(_require_ascii(name, key, wrong)))


def _require_ascii(name: str, key: str, wrong: list[Sentence]) -> str:
    if not key.isascii() or not key.isprintable() or " " in key:
        wrong.append(say("{name}: the key has a space or a character that no key has; copy it again", name=name))
    return key


def _read_key(name: str, path: str, wrong: list[Sentence]) -> str:
    try:
        key = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else say("not a text file")
        wrong.append(say("{name}: the file it names can't be read ({reason})", name=name, reason=reason))
        return ""
    if not key:
        wrong.append(say("{name}: the file it names is empty", name=name))
    return key


def _base_url(variable: str, values: Mapping[str, str], wrong: list[Sentence]) -> str:
    return read_address(variable, BASE_URLS[variable], values, wrong)


def _grain(provider: ProviderName, values: Mapping[str, str], wrong: list[Sentence]) -> Grain:
    variable, default = provider.spec.grain_variable, provider.spec.grains.default
    text = values.get(variable, default.value)
    if text not in list(Grain):
        wrong.append(say("{variable}: {text} is neither `project` nor `api_key`", variable=variable, text=repr(text)))
        return default
    return Grain(text)


def _notion(values: Mapping[str, str], wrong: list[Sentence]) -> NotionSettings:
    token = values.get("NOTION_TOKEN") or values.get("NOTION_API_KEY")
    if token is None and "NOTION_TOKEN_FILE" in values:
        token = _read_key("NOTION_TOKEN_FILE", values["NOTION_TOKEN_FILE"], wrong)
    rate = values.get("NOTION_REQUESTS_PER_MINUTE", "180")
    if not re.fullmatch(r"0*[1-9]\d{0,5}", rate, re.ASCII):
        wrong.append(say("NOTION_REQUESTS_PER_MINUTE: {rate} is not a whole number from 1 to 999999", rate=repr(rate)))
        rate = "180"
    return NotionSettings(
        token=SecretStr(_require_ascii("NOTION_TOKEN", token, wrong)) if token else None,
        base_url=_base_url("NOTION_BASE_URL", values, wrong),
        services_db_id=_notion_id("NOTION_SERVICES_DB_ID", values, wrong),
        usages_db_id=_notion_id("NOTION_USAGES_DB_ID", values, wrong),
        parent_page_id=_notion_id("NOTION_PARENT_PAGE_ID", values, wrong),
        requests_per_minute=int(rate),
    )


def _notion_id(variable: str, values: Mapping[str, str], wrong: list[Sentence]) -> str | None:
    """The id within a bare id (dashed or not) or a page's address, dashed.

    In an address the id is the last thing of the path; `?v=` is the id of a view.
    """
    text = values.get(variable)
    if text is None:
        return None
    path = text.partition("?")[0].partition("#")[0].rstrip("/")
    match = re.search(r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$", path.lower())
    if match is None:
        wrong.append(
            say(
                "{variable}: no Notion id in it; give the page's address, or its id of 32 hexadecimal digits",
                variable=variable,
            )
        )
        return None
    return "-".join(match.groups())


def _archive(values: Mapping[str, str], wrong: list[Sentence]) -> str:
    text = values.get("LLM_USAGE_ARCHIVE", "")
    if text.lower() == ARCHIVE_OFF or not text:
        return text.lower()
    if "://" in text:
        if not _is_store(text):
            # Not the value: an address may hold a password.
            wrong.append(
                say(
                    "LLM_USAGE_ARCHIVE: not an address of a store; write it like s3://bucket/folder, without "
                    "user or key, and behind ? nothing but {names}",
                    names=", ".join(sorted(_STORE_OPTIONS)),
                )
            )
        return text
    # A word alone is rather a slip of the pen: `none`, `false`, `s3`.
    if not text.isprintable() or not (text.startswith(("~", "./", "../")) or Path(text).is_absolute()):
        wrong.append(
            say(
                "LLM_USAGE_ARCHIVE: neither a folder nor an address; write a folder's whole path (or ~/… or "
                "./…), s3://bucket/folder, or off"
            )
        )
    return text if text.startswith("~") else os.path.abspath(text)


def _is_store(address: str) -> bool:
    try:
        parts = urlsplit(address)
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        return False
    if re.search(r"[\s#]", address) or "@" in parts.netloc or re.fullmatch(r"[a-z][a-z0-9+.-]*", parts.scheme) is None:
        return False
    if parts.scheme == "file":
        return not parts.netloc and len(parts.path) > 1 and not parts.query
    return bool(parts.netloc) and parts.scheme not in ("http", "https") and dict(options).keys() <= _STORE_OPTIONS


def _now(values: Mapping[str, str], wrong: list[Sentence]) -> datetime | None:
    text = values.get("LLM_USAGE_NOW")
    if text is None:
        return None
    instant: datetime | None
    try:
        instant = datetime.fromisoformat(text)
        instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        instant = None
    # Near the calendar's ends there are no months before, or after, that it could be compared with.
    if instant is None or instant.year not in _YEARS:
        wrong.append(say("LLM_USAGE_NOW: {text} is not an ISO instant like 2026-02-05T08:00:00Z", text=repr(text)))
        return None
    return instant

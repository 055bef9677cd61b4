from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

import usage
from usage.catalogue import CATALOGUE, looks_like
from usage.names import ProviderName


def test_every_provider_has_a_row_and_no_variable_is_two_s() -> None:
    assert list(CATALOGUE) == list(ProviderName)
    names = [
        name
        for spec in CATALOGUE.values()
        for name in (*spec.key_variables, *spec.ordinary_names, spec.address_variable, spec.grain_variable)
    ]
    assert len(names) == len(set(names))


def test_rows_name_what_their_provider_is_called() -> None:
    for name, spec in CATALOGUE.items():
        assert name.spec is spec
        assert spec.name is name
        assert spec.label.lower() == name.label.lower() == name
        assert spec.address_variable.startswith(name.upper())
        assert spec.address.startswith("https://")


@pytest.mark.parametrize(
    ("key", "provider", "owner"),
    [
        ("sk-ant-api03-x", ProviderName.OPENAI, "Anthropic"),
        ("sk-ant-admin01-x", ProviderName.ANTHROPIC, None),
        ("sk-ant-api03-x", ProviderName.ANTHROPIC, None),
        ("sk-or-v1-x", ProviderName.OPENAI, "OpenRouter"),
        ("sk-admin-x", ProviderName.ANTHROPIC, "OpenAI"),
        ("sk-proj-x", ProviderName.DEEPGRAM, "OpenAI"),
        ("sk_0123", ProviderName.DEEPGRAM, "ElevenLabs"),
        ("ntn_0123", ProviderName.OPENAI, "Notion"),
        ("sk-0123", ProviderName.ANTHROPIC, None),
        ("0123456789abcdef", ProviderName.OPENAI, None),
    ],
)
def test_whose_a_key_seems_to_be(key: str, provider: ProviderName, owner: str | None) -> None:
    assert looks_like(key, provider) == owner


# -- a provider more

ROW: Final = """\
        ProviderSpec(
            name=ProviderName.SIXTH,
            label="Sixth",
            console="https://console.sixth.example",
            key_variable="SIXTH_ADMIN_KEY",
            key_kind="an admin key",
            address_variable="SIXTH_BASE_URL",
            address="https://api.sixth.example",
            grains=_BY_PROJECT,
            reach=Reach(settling=timedelta(days=1)),
            colour="#56b4e9",
        ),
"""
FIELDS: Final = re.findall(r"^ +(\w+)=", ROW, re.MULTILINE)
SETTINGS: Final = """\
from usage.names import ProviderName
from usage.settings import load_settings
settings = load_settings({"SIXTH_ADMIN_KEY": "secret"}, ())
(source,) = settings.select([ProviderName.SIXTH])
for provider, address in settings.base_urls.items():
    print(provider, address)
"""
"""What becomes of the keys: whose address each is sent to."""


def with_a_sixth(folder: Path, row: str) -> subprocess.CompletedProcess[str]:
    """The addresses that settings give when a provider is added to a copy of the core, or what is said instead."""
    shutil.copytree(Path(str(usage.__file__)).parent, folder / "usage", ignore=shutil.ignore_patterns("__pycache__"))
    catalogue = folder / "usage" / "catalogue.py"
    text = catalogue.read_text("utf-8")
    last, end = '    OPENROUTER = "openrouter"\n', "    ),\n)\n"
    assert (text.count(last), text.count(end)) == (1, 1)
    text = text.replace(last, f'{last}    SIXTH = "sixth"\n').replace(end, f"    ),\n{row})\n")
    catalogue.write_text(text, "utf-8")
    command = [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(folder)!r})\n{SETTINGS}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_sixth_provider_s_key_goes_to_its_own_host(tmp_path: Path) -> None:
    done = with_a_sixth(tmp_path, ROW)
    assert done.stderr == ""
    addresses = dict(line.split() for line in done.stdout.splitlines())
    assert addresses["sixth"] == "https://api.sixth.example"
    assert len({urlsplit(address).hostname for address in addresses.values()}) == len(ProviderName) + 1


@pytest.mark.parametrize("field", FIELDS)
def test_a_sixth_provider_that_lacks_a_field_is_told_so(tmp_path: Path, field: str) -> None:
    row = re.sub(rf"^ +{field}=.*\n", "", ROW, flags=re.MULTILINE)
    done = with_a_sixth(tmp_path, row)
    assert done.returncode != 0
    assert f"missing 1 required keyword-only argument: '{field}'" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("field", [field for field in FIELDS if field not in ("name", "grains", "reach")])
def test_an_empty_field_is_told_as_well(tmp_path: Path, field: str) -> None:
    row = re.sub(rf'({field})=".*"', r'\1=""', ROW)
    done = with_a_sixth(tmp_path, row)
    assert done.stderr.splitlines()[-1] == f"ValueError: usage/catalogue.py: the row of sixth lacks {field}"


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("", "sixth has no row"),
        (ROW + ROW, "sixth stands there 2 times"),
        (ROW.replace("https://api.sixth.example", "https://api.openai.com/v2"), "api.openai.com stands there 2 times"),
        (ROW.replace("SIXTH_BASE_URL", "DEEPGRAM_BASE_URL"), "DEEPGRAM_BASE_URL stands there 2 times"),
        (ROW.replace("SIXTH_ADMIN_KEY", "OPENAI_API_KEY"), "OPENAI_API_KEY stands there 2 times"),
        (ROW.replace("https://api.sixth.example", "https://api.notion.com"), "api.notion.com stands there 2 times"),
    ],
    ids=["no row", "two rows", "another's host", "another's address variable", "another's key", "Notion's host"],
)
def test_what_would_send_a_key_to_another_host_is_refused(tmp_path: Path, row: str, sentence: str) -> None:
    done = with_a_sixth(tmp_path, row)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ValueError: usage/catalogue.py: ")
    assert sentence in last

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.catalogue import CATALOGUE
from usage.language.saying import say
from usage.language.sentence import Sentence
from usage.settings.slips import VARIABLES, closest_setting, is_slip, slips

# fmt: off
ORDINARY = [
    "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_API_BASE_URL", "OPENAI_ORGANIZATION",
    "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_MODEL", "OPENAI_API_VERSION", "OPENAI_API_TYPE",
    "OPENAI_ADMIN_MAX_BURST", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_MODEL",
    "ANTHROPIC_SMALL_FAST_MODEL", "CLAUDE_API_KEY", "ELEVEN_API_KEY", "ELEVEN_LABS_API_KEY", "ELEVENLABS_VOICE_ID",
    "ELEVENLABS_MODEL_ID", "ELEVENLABS_API_URL", "XI_VOICE_ID", "DEEPGRAM_PROJECT_ID", "DEEPGRAM_MODEL",
    "DEEPGRAM_LANGUAGE", "DEEPGRAM_API_URL", "OPENROUTER_API_KEY", "OPENROUTER_MODEL", "OPENROUTER_ADMIN_MODEL",
    "OPENROUTER_APP_NAME", "NOTION_KEY", "NOTION_SECRET", "NOTION_API_TOKEN", "NOTION_INTEGRATION_TOKEN",
    "NOTION_DATABASE_ID", "NOTION_DB_ID", "NOTION_PAGE_ID", "NOTION_PAGES_DB_ID", "NOTION_USERS_DB_ID",
    "NOTION_TASKS_DATABASE_ID", "NOTION_PARENT_DATABASE_ID", "NOTION_VERSION", "NOTION_TOKEN_V2",
    "NOTION_API_VERSION", "NOTION_WORKSPACE_ID", "XAI_API_KEY", "AI_API_KEY", "MOTION_API_KEY", "DEEPL_API_KEY",
    "DEEPSEEK_API_KEY", "GEMINI_API_KEY", "MISTRAL_API_KEY", "AZURE_OPENAI_API_KEY", "OPENWEATHER_API_KEY",
    "GROQ_API_KEY", "EXA_API_KEY", "HF_TOKEN", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "ADMIN_KEY", "API_KEY",
    "PATH", "HOME", "LANG", "LC_ALL", "PWD", "_", "SHLVL", "PREFECT_API_URL", "PREFECT_HOME", "PYTHONPATH",
    "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "HTTP_PROXY",
]
# fmt: on


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_variables_of_a_machine(name: str) -> None:
    assert not is_slip(name)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("ANTROPIC_ADMIN_KEY", "ANTHROPIC_ADMIN_KEY"),
        ("ANTROPHIC_ADMIN_KEY", "ANTHROPIC_ADMIN_KEY"),
        ("ANTHROPIC_ADMIN_KEYS", "ANTHROPIC_ADMIN_KEY"),
        ("ANTROPIC_ADMIN_API_KEY", "ANTHROPIC_ADMIN_API_KEY"),
        ("OPENAI_ADMINKEY", "OPENAI_ADMIN_KEY"),
        ("OPEN_AI_ADMIN_KEY", "OPENAI_ADMIN_KEY"),
        ("OPENAI_ADMNI_KEY", "OPENAI_ADMIN_KEY"),
        ("ADMIN_OPENAI_KEY", "OPENAI_ADMIN_KEY"),
        ("openai_admin_key", "OPENAI_ADMIN_KEY"),
        ("OPENAI_ADMINKEY_LABO", "OPENAI_ADMIN_KEY_LABO"),
        ("ANTROPIC_ADMIN_KEY_FILE", "ANTHROPIC_ADMIN_KEY_FILE"),
        ("ANTROPIC_ADMIN_KEY_LABO_FILE", "ANTHROPIC_ADMIN_KEY_LABO_FILE"),
        ("ELEVENLAB_API_KEY", "ELEVENLABS_API_KEY"),
        ("DEPGRAM_API_KEY", "DEEPGRAM_API_KEY"),
        ("OPENROUTER_MANAGMENT_KEY", "OPENROUTER_MANAGEMENT_KEY"),
        ("OPEN_ROUTER_MANAGEMENT_KEY", "OPENROUTER_MANAGEMENT_KEY"),
        ("OPENAI_ADMIN_BASEURL", "OPENAI_ADMIN_BASE_URL"),
        ("ANTHROPIC_GRAINS", "ANTHROPIC_GRAIN"),
        ("NOTION_USAGE_DB_ID", "NOTION_USAGES_DB_ID"),
        ("NOTION_SERVICE_DB_ID", "NOTION_SERVICES_DB_ID"),
        ("NOTION_USAGES_DATABASE_ID", "NOTION_USAGES_DB_ID"),
        ("NOTION_PARENTPAGE_ID", "NOTION_PARENT_PAGE_ID"),
        ("NOTION_TOKENS", "NOTION_TOKEN"),
        ("NOTION_REQUEST_PER_MINUTE", "NOTION_REQUESTS_PER_MINUTE"),
    ],
)
def test_slips_of_the_pen(name: str, ours: str) -> None:
    assert is_slip(name)
    assert closest_setting(name) == ours
    (sentence,) = slips({Sentence.of(".env"): [name, "PATH"]})
    assert sentence.en.startswith(f"{name} (in .env) ")
    assert sentence.en.endswith(f"did you mean {ours}?")


def test_what_nobody_else_s_begins_like() -> None:
    (sentence,) = slips({say("the environment"): ["LLM_USAGE_COLOUR"]})
    assert "did you mean" not in sentence.en


KEYS = [name for spec in CATALOGUE.values() for name in spec.key_variables]


@given(st.sampled_from(VARIABLES), st.sampled_from(KEYS), st.from_regex(r"[A-Z0-9]{1,8}", fullmatch=True))
def test_what_is_ours_is_no_slip(variable: str, key: str, account: str) -> None:
    assert slips({Sentence.of(".env"): [variable, f"{key}_{account}", f"{key}_{account}_FILE"]}) == ()


@given(st.sampled_from(VARIABLES), st.data())
def test_a_letter_lost_in_a_long_word_is_found(variable: str, data: st.DataObject) -> None:
    words = variable.split("_")
    long = [number for number, word in enumerate(words) if len(word) >= 6]
    number = data.draw(st.sampled_from(long)) if long else None
    if number is None:
        return
    place = data.draw(st.integers(1, len(words[number]) - 1))
    words[number] = words[number][:place] + words[number][place + 1 :]
    assert is_slip("_".join(words)) or "_".join(words) in VARIABLES


@given(st.text())
def test_any_name_can_be_looked_at(name: str) -> None:
    assert isinstance(is_slip(name), bool)

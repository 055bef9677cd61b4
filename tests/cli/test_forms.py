"""Descriptions, forms and alerts of a Prefect server in the reader's language."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.commands.deploy import load_automations
from cli.prefect_server.forms import told_in_the_readers_language
from flows.backfill import backfill
from flows.collect import collect
from flows.replay import replay
from tests.test_docs import ROOT
from usage.language.choice import Language
from usage.language.words import Words

SCHEMAS: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["title", "description", "enum", "default"]) | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.fixture(autouse=True)
def french(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_USAGE_LANG", "fr")


@pytest.mark.parametrize("flow", [collect, backfill, replay], ids=lambda flow: flow.name)
def test_every_field_of_a_form_is_told_in_french(flow: Any) -> None:
    schema = flow.parameters.model_dump()
    told = told_in_the_readers_language(schema)
    words = Words(Language.FR)
    assert told["properties"].keys() == schema["properties"].keys()
    for name, field in schema["properties"].items():
        for text in ("title", "description"):
            assert told["properties"][name][text] == words(field[text])
        rest = {key: value for key, value in field.items() if key not in ("title", "description", "anyOf")}
        assert rest.items() <= told["properties"][name].items()


@given(schema=SCHEMAS)
def test_what_is_no_sentence_of_ours_stays(schema: Any) -> None:
    assert told_in_the_readers_language(schema) == schema


def test_alerts_are_told_in_french_and_named_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    french = load_automations(ROOT / "automations.yaml")
    monkeypatch.setenv("LLM_USAGE_LANG", "en")
    english = load_automations(ROOT / "automations.yaml")
    assert french.names == english.names
    for one, other in zip(french.alerts, english.alerts, strict=True):
        assert one.trigger == other.trigger
        for text in ("description", "subject", "body"):
            assert getattr(one, text) != getattr(other, text)
    assert french.alerts[0].subject.startswith("llm-usage\N{NO-BREAK SPACE}: {{ flow_run.name }} finit en")


def test_only_titles_and_descriptions_are_told() -> None:
    assert told_in_the_readers_language({"title": "Dry run", "default": "Dry run", "enum": ["Choose"]}) == {
        "title": "Essai à blanc",
        "default": "Dry run",
        "enum": ["Choose"],
    }

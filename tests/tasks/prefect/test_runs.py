"""What a run does before all else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.prefect.runs import resolve_month
from usage.errors import SettingsError


@pytest.mark.parametrize(
    ("set_for_the_worker", "told"),
    [("", "n’est ni `project` ni `api_key`"), ("en", "is neither `project` nor `api_key`")],
)
def test_a_run_speaks_the_language_that_its_folder_s_settings_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, set_for_the_worker: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LLM_USAGE_LANG", set_for_the_worker)
    Path(".env").write_text("LLM_USAGE_LANG=fr\nOPENAI_GRAIN=day\n")
    with pytest.raises(SettingsError) as refused:
        resolve_month("last")
    assert told in str(refused.value)

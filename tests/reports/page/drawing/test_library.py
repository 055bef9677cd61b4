"""Matplotlib keeps its files where we say, and its words to itself."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from reports.page.drawing.library import prepare
from usage.errors import SettingsError

DRAWN = """
import os
from reports.page.drawing import charts
import matplotlib.font_manager
print(matplotlib.get_configdir(), matplotlib.get_cachedir())
"""


@pytest.mark.parametrize("has_home", [True, False])
def test_nothing_is_said_and_no_folder_of_its_own_is_made(tmp_path: Path, *, has_home: bool) -> None:
    state, passing = tmp_path / "state", tmp_path / "passing"
    passing.mkdir()
    gone = {"MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "PYTHONWARNINGS"}
    environment = {name: value for name, value in os.environ.items() if name not in gone}
    # In a file no folder can be made, not even by root.
    blocked = tmp_path / "file"
    blocked.touch()
    environment |= {"HOME": str(blocked), "TMPDIR": str(passing)}
    environment["XDG_STATE_HOME"] = str(state if has_home else blocked)
    told = subprocess.run([sys.executable, "-c", DRAWN], env=environment, capture_output=True, text=True, check=True)
    assert told.stderr == ""
    one, other = told.stdout.split()
    assert one == other
    kept = state / "llm-usage" / "matplotlib"
    if has_home:
        assert one == str(kept)
        assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    else:
        assert one.startswith(str(passing))
    assert list(passing.iterdir()) == []


def test_a_folder_that_somebody_has_chosen_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLCONFIGDIR", "/somewhere")
    prepare()
    assert os.environ["MPLCONFIGDIR"] == "/somewhere"


def test_no_folder_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.delenv("MPLCONFIGDIR", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(blocked))
    monkeypatch.setattr(tempfile, "tempdir", str(blocked))
    with pytest.raises(SettingsError, match="TMPDIR: no temporary folder can be written"):
        prepare()

from __future__ import annotations

from pathlib import Path

import pytest

from archive.opening import open_archive
from tests.archive.conftest import Bucket
from tests.archive.test_archive import RECORD, log, report
from usage.errors import ArchiveError
from usage.settings import Settings, load_settings


def settings(address: str) -> Settings:
    return load_settings({"LLM_USAGE_ARCHIVE": address}, ())


def test_off_is_none() -> None:
    assert open_archive(settings("off")) is None


def test_without_a_setting_it_lies_in_the_user_s_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    archive = open_archive(settings(""))
    assert archive is not None
    archive.keep(report(RECORD), log())
    assert archive.address == str(tmp_path / "llm-usage" / "archive")
    assert sorted(path.name for path in (tmp_path / "llm-usage" / "archive").iterdir()) == [
        "answers",
        "journal",
        "records",
    ]


def test_a_folder_and_a_bucket(tmp_path: Path, bucket: Bucket) -> None:
    for address in (str(tmp_path / "archive"), bucket.address):
        archive = open_archive(settings(address))
        assert archive is not None
        assert archive.address == address
        entry = archive.keep(report(RECORD), log())
        assert list(archive.entries()) == [entry]


def test_what_can_t_be_opened_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ArchiveError, match="File exists"):
        open_archive(settings(str(tmp_path / "file")))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    with pytest.raises(ArchiveError, match="in the user's data folder can't be opened"):
        open_archive(settings(""))

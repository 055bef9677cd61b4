"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from reports.export.whole import try_place, whole_file


def write(path: Path, text: str) -> None:
    with whole_file(path) as draft:
        draft.write_text(text)


def test_one_that_is_there_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("earlier")
    with pytest.raises(UnicodeEncodeError):
        write(path, "half \ud800")
    assert (path.read_text(), os.listdir(tmp_path)) == ("earlier", [path.name])
    write(path, "whole")
    assert (path.read_text(), os.listdir(tmp_path)) == ("whole", [path.name])


def test_who_may_read_it_stays(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.touch()
    path.chmod(0o600)
    write(path, "whole")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_stays_and_leads_to_the_new_one(tmp_path: Path) -> None:
    path, link = tmp_path / "page.html", tmp_path / "latest.html"
    path.write_text("earlier")
    link.symlink_to(path.name)
    try_place(link)
    write(link, "whole")
    assert (link.readlink(), path.read_text()) == (Path(path.name), "whole")


def test_a_link_that_leads_to_itself_gives_way(tmp_path: Path) -> None:
    link = tmp_path / "page.html"
    link.symlink_to(link)
    try_place(link)
    write(link, "whole")
    assert link.read_text() == "whole"


def test_what_is_no_file_is_not_replaced_by_one() -> None:
    try_place(Path(os.devnull))
    write(Path(os.devnull), "whole")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_place_is_left_as_it_is_by_trying_it(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    try_place(path)
    assert os.listdir(tmp_path) == []
    path.write_text("earlier")
    try_place(path)
    assert (path.read_text(), os.listdir(tmp_path)) == ("earlier", [path.name])


def test_a_place_that_is_not_there_is_found_out(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        try_place(tmp_path / "missing" / "page.html")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("shut", ["folder", "file"])
def test_a_place_without_rights_is_found_out(tmp_path: Path, shut: str) -> None:
    path = tmp_path / "page.html"
    if shut == "file":
        path.touch()
    (path if shut == "file" else tmp_path).chmod(0o500)
    with pytest.raises(PermissionError):
        try_place(path)

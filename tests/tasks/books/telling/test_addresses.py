"""The file of addresses: what may stand in it, and that nobody is shown what does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.books.telling.addresses import read_addresses
from usage.errors import SettingsError

SECRET = "s3cr3t-t0ken"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "notify.txt"
    path.touch(0o600)
    return path


def refused(path: Path) -> str:
    with pytest.raises(SettingsError) as error:
        read_addresses(path)
    assert error.value.__cause__ is None
    assert SECRET not in str(error.value)
    return str(error.value)


def test_addresses_remarks_and_the_wish_for_each_week(path: Path) -> None:
    path.write_text(
        f"\ufeff# us\n\nslack://{SECRET}/b/c\n  ntfy://{SECRET}/topic  \nslack://{SECRET}/b/c\nWeekly = Lundi\n"
    )
    found = read_addresses(path)
    assert [one.url.get_secret_value() for one in found.all] == [f"slack://{SECRET}/b/c", f"ntfy://{SECRET}/topic"]
    assert [one.line for one in found.all] == [3, 4]
    assert found.weekly == 0
    assert SECRET not in repr(found) + str(found)
    assert len({one.mark for one in found.all}) == 2


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o602, 0o666, 0o610])
def test_a_file_that_others_can_read_is_refused_with_the_command_that_closes_it(path: Path, mode: int) -> None:
    path.write_text(f"slack://{SECRET}/b/c")
    path.chmod(mode)
    assert f"chmod 600 {path}" in refused(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no address"),
        ("# slack://a/b\nweekly = monday", "holds no address"),
        (f"slack://a/b/c\npassword {SECRET}", "line 2: neither an address"),
        (f"slack:{SECRET}", "line 1: neither an address"),
        ("slack://a/b/c\nweekly = often", "line 2: weekly = … wants a day"),
    ],
)
def test_what_is_no_address_is_named_by_its_line(path: Path, text: str, said: str) -> None:
    path.write_text(text)
    assert said in refused(path)


def test_what_can_not_be_read(path: Path) -> None:
    path.write_bytes(b"slack://\xff" + SECRET.encode())
    assert "not a text file in UTF-8" in refused(path)
    path.write_text("x" * 200_000)
    assert "too large" in refused(path)
    path.unlink()
    assert "can't be read (No such file or directory)" in refused(path)

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from notion.client.pace import Pace

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Clock:
    """Time that passes only by sleeping."""

    now: float = 1_000.0
    turns: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds
        self.turns.append(self.now)

    def pace(self, folder: Path, per_minute: int = 180, key: str = "key") -> Pace:
        return Pace(key, per_minute, folder=folder, clock=self, sleep=self.sleep)


def most_within(seconds: float, turns: list[float]) -> int:
    return max(sum(start <= turn < start + seconds for turn in turns) for start in turns)


@pytest.mark.parametrize("per_minute", [1, 30, 180, 600])
def test_no_minute_holds_more_than_the_budget(tmp_path: Path, per_minute: int) -> None:
    clock = Clock()
    pace = clock.pace(tmp_path, per_minute)
    for _ in range(2 * per_minute + 2):
        pace.wait()
    assert most_within(60, clock.turns) <= per_minute
    assert most_within(1, clock.turns) <= max(1, per_minute / 60)
    # Nothing is given away either: the design allows a twentieth.
    assert clock.turns[-1] - clock.turns[0] <= (len(clock.turns) - 1) * 60 / per_minute * 1.05


def test_the_first_request_does_not_wait_and_time_that_has_passed_counts(tmp_path: Path) -> None:
    clock = Clock()
    pace = clock.pace(tmp_path)
    pace.wait()
    clock.now += 10
    pace.wait()
    assert clock.turns == [1_000, 1_010]


def test_several_paces_on_one_file_share_the_budget(tmp_path: Path) -> None:
    clock = Clock()
    paces = [clock.pace(tmp_path) for _ in range(3)]
    for _ in range(100):
        for pace in paces:
            pace.wait()
    assert most_within(60, clock.turns) <= 180


def test_threads_get_turns_of_their_own(tmp_path: Path) -> None:
    waits: list[float] = []  # the clock stands still: the wait is the turn
    pace = Pace("key", 180, folder=tmp_path, clock=lambda: 0.0, sleep=waits.append)
    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(pace.wait) for _ in range(60)]:
            future.result()
    assert sorted(waits) == pytest.approx([turn * pace.interval for turn in range(60)])


def test_processes_get_turns_of_their_own(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from notion.client.pace import Pace\n"
        "pace = Pace('key', 180, folder=pathlib.Path(sys.argv[1]), clock=lambda: 0.0, sleep=print)\n"
        "for _ in range(25): pace.wait()"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate()[0] for process in running]
    turns = sorted(float(line) for output in outputs for line in output.split())
    interval = Pace("key", 180, folder=tmp_path).interval
    assert turns == pytest.approx([turn * interval for turn in range(50)])


def test_a_pause_holds_for_all_who_share_the_key(tmp_path: Path) -> None:
    clock = Clock()
    one, other, stranger = clock.pace(tmp_path), clock.pace(tmp_path), clock.pace(tmp_path, key="another")
    one.wait()
    one.pause(30)
    stranger.wait()
    assert clock.turns[-1] == 1_000
    other.wait()
    assert clock.turns[-1] == 1_030


def test_a_pause_is_never_shortened(tmp_path: Path) -> None:
    clock = Clock()
    pace = clock.pace(tmp_path)
    pace.pause(30)
    pace.pause(5)
    pace.wait()
    assert clock.turns == [1_030]


def test_a_smaller_budget_holds_for_all_who_share_the_key(tmp_path: Path) -> None:
    clock = Clock()
    one, other, stranger = (
        clock.pace(tmp_path, 600),
        clock.pace(tmp_path, 600),
        clock.pace(tmp_path, 600, key="another"),
    )
    one.slow(180)
    for _ in range(300):
        other.wait()
    assert most_within(60, clock.turns) <= 180
    assert (one.per_minute, other.per_minute, stranger.per_minute) == (180, 180, 600)


def test_the_setting_is_tried_again_after_an_hour(tmp_path: Path) -> None:
    clock = Clock()
    pace = clock.pace(tmp_path, 600)
    pace.slow(180)
    clock.now += 3599
    pace.wait()
    assert pace.per_minute == 180
    clock.now += 1
    pace.wait()
    assert pace.per_minute == 600


def test_slowing_never_speeds_up(tmp_path: Path) -> None:
    clock = Clock()
    pace = clock.pace(tmp_path, 60)
    pace.slow(180)
    pace.wait()
    assert pace.per_minute == 60


def test_a_clock_put_back_does_not_block(tmp_path: Path) -> None:
    clock = Clock()
    pace = clock.pace(tmp_path)
    pace.wait()
    clock.now -= 100_000
    pace.wait()
    assert clock.turns[-1] == clock.now < 1_000


def test_the_key_is_not_in_the_file(tmp_path: Path) -> None:
    Clock().pace(tmp_path, key="ntn_secret").wait()
    (file,) = tmp_path.iterdir()
    assert b"ntn_secret" not in file.read_bytes()


# -- a file that can't be trusted or used


def test_nobody_else_can_read_or_prepare_it(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    Clock().pace(folder).wait()
    (file,) = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


def test_the_folder_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    Pace("key", 60_000, sleep=lambda _: None).wait()
    assert (tmp_path / "llm-usage" / "notion-pace.sqlite").is_file()


def told(table: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(table, isolation_level=None)) as connection:
        connection.execute(statement, values)


@pytest.mark.parametrize("moment", [1_601.0, 1e300, float("inf"), -1e300, "tomorrow", b"\x00", 0])
def test_a_next_moment_that_cannot_be_is_not_believed(tmp_path: Path, moment: object) -> None:
    clock = Clock()
    pace = clock.pace(tmp_path)
    pace.wait()
    told(tmp_path / "notion-pace.sqlite", "UPDATE pace SET next = ?", moment)
    pace.wait()
    assert clock.turns == [1_000, 1_000]


@pytest.mark.parametrize("per_minute", [0, -5, "few", 1e9])
@pytest.mark.parametrize("until", [1_060.0, 1e300])
def test_a_budget_that_cannot_be_is_not_believed(tmp_path: Path, per_minute: object, until: float) -> None:
    clock = Clock()
    pace = clock.pace(tmp_path)
    pace.slow(60)
    told(tmp_path / "notion-pace.sqlite", "UPDATE slowed SET per_minute = ?, until = ?", per_minute, until)
    pace.wait()
    assert pace.per_minute == 180


def spoil_with_rubbish(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "notion-pace.sqlite").write_bytes(b"somebody else's" * 100)


def spoil_with_a_linked_file(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "notion-pace.sqlite").symlink_to(folder.parent / "elsewhere")


def spoil_with_a_linked_folder(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir()
    folder.symlink_to(folder.parent / "elsewhere")


def spoil_with_a_file(folder: Path) -> None:
    folder.write_text("")


def spoil_with_another_table(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    told(folder / "notion-pace.sqlite", "CREATE TABLE pace (other TEXT)")


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_with_rubbish,
        spoil_with_a_linked_file,
        spoil_with_a_linked_folder,
        spoil_with_a_file,
        spoil_with_another_table,
    ],
)
def test_without_a_usable_file_the_process_keeps_the_pace_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None]
) -> None:
    folder = tmp_path / "state"
    spoil(folder)
    clock = Clock()
    pace = clock.pace(folder)
    for _ in range(200):
        pace.wait()
    assert most_within(60, clock.turns) <= 180
    (message,) = caplog.messages
    assert str(folder) in message
    assert "cette exécution tient seule le rythme de Notion" in message
    assert not (tmp_path / "elsewhere").is_file()


def test_another_users_folder_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1)
    Clock().pace(tmp_path).wait()
    assert "it belongs to another user" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_others_may_use_is_closed_to_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    Clock().pace(tmp_path).wait()
    assert tmp_path.stat().st_mode & 0o777 == 0o700

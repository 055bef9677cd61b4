from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from notion.pace import Pace
from usage.errors import NotionError

ROOT = Path(__file__).resolve().parents[2]


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
        "import sys, pathlib; from notion.pace import Pace\n"
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


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    pace = Clock().pace(tmp_path)
    pace.wait()
    (file,) = tmp_path.iterdir()
    file.write_bytes(b"somebody else's" * 100)
    with pytest.raises(NotionError, match=f"{re.escape(str(file))}.*TMPDIR"):
        pace.wait()

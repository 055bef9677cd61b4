"""Messages reach each address once, through Apprise itself, and no word of an address gets out."""

from __future__ import annotations

import logging
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from archive.beside.claims import LEASE, Claims
from archive.store import FolderStore
from tasks.books.telling.addresses import Address
from tasks.books.telling.delivery import Delivery, News, deliver
from tasks.books.telling.sending import send
from tests.ports import free_port
from tests.receiver import SECRET, Receiver
from usage.language.sentence import SILENCE

NEWS = [News("digest/2026-01/closed", "January 2026: $1,180.85")]
ROOT = Path(__file__).parents[4]


@pytest.fixture
def claims(tmp_path: Path) -> Claims:
    return Claims(FolderStore(tmp_path / "told"))


def address(receiver: Receiver, *, line: int = 1, more: str = "") -> Address:
    return Address(SecretStr(receiver.address + more), line)


def tell(claims: Claims, *addresses: Address, news: list[News] | None = None, again: bool = False) -> Delivery:
    return deliver("AI usage", news or NEWS, addresses, claims, again=again)


def test_once_and_again_where_somebody_asks(receiver: Receiver, claims: Claims) -> None:
    assert tell(claims, address(receiver)) == Delivery(sent=1)
    assert receiver.messages[0]["title"] == "AI usage"
    assert receiver.bodies == ["January 2026: $1,180.85"]
    assert tell(claims, address(receiver)) == Delivery(known=1)
    assert tell(claims, address(receiver), again=True) == Delivery(sent=1)
    assert len(receiver.messages) == 2


def test_only_what_is_new_is_told(receiver: Receiver, claims: Claims) -> None:
    tell(claims, address(receiver))
    more = [*NEWS, News("budget/2026-01/x-passed", "Budget passed")]
    assert tell(claims, address(receiver), news=more) == Delivery(sent=1)
    assert receiver.bodies[1:] == ["Budget passed"]


def test_what_failed_is_tried_again_and_only_there(receiver: Receiver, claims: Claims) -> None:
    broken = Address(SecretStr(f"json://ana:{SECRET}@127.0.0.1:{free_port()}/{SECRET}"), 2)
    told = tell(claims, address(receiver), broken)
    assert (told.sent, len(told.failures)) == (1, 1)
    told = tell(claims, address(receiver), broken)
    assert (told.sent, told.known, len(told.failures)) == (0, 1, 1)
    receiver.status = 503
    other = address(receiver, more="&+X=1")
    (sentence,) = tell(claims, other).failures
    assert "HTTP 503" in str(sentence)
    receiver.status = 200
    assert tell(claims, other) == Delivery(sent=1)


def test_a_sender_that_died_does_not_silence_it_for_ever(receiver: Receiver, claims: Claims) -> None:
    one = address(receiver)
    now = datetime.now(UTC)
    claims.take(f"{NEWS[0].occasion}/{one.mark}", now)
    assert tell(claims, one) == Delivery(known=1)
    later = now + LEASE + timedelta(seconds=1)
    assert deliver("AI usage", NEWS, [one], claims, clock=lambda: later) == Delivery(sent=1)


def test_no_word_of_an_address_gets_out(
    receiver: Receiver, claims: Claims, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.status = 401
    addresses = [
        address(receiver),
        Address(SecretStr(f"mailto://ana:{SECRET}@127.0.0.1:{free_port()}?smtp=127.0.0.1"), 2),
        Address(SecretStr(f"nosuch://{SECRET}"), 3),
        Address(SecretStr(f"slack://{SECRET}"), 4),
        Address(SecretStr(f"json://{SECRET}.invalid/{SECRET}"), 5),
    ]
    told = tell(claims, *addresses)
    assert [str(sentence).partition(":")[0] for sentence in told.failures] == [
        f"the address in line {line} of LLM_USAGE_NOTIFY_FILE" for line in range(1, 6)
    ]
    assert str(told.failures[0]).endswith("it was refused (HTTP 401)")
    assert "Apprise knows no such address" in str(told.failures[2])
    out, err = capfd.readouterr()
    assert SECRET not in repr(told.failures) + caplog.text + out + err


def test_one_that_never_answers_is_given_up(receiver: Receiver) -> None:
    receiver.silent = True
    assert send(address(receiver, more="&rto=600"), "AI usage", "…", deadline=3).en == "no answer within 3 s"


def test_keys_stay_out_of_the_program_that_sends(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, str] = {}
    real = subprocess.run

    def watch(*arguments: object, **options: object) -> object:
        seen.update(options["env"])  # type: ignore[call-overload]
        assert SECRET not in str(arguments)
        return real(*arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", watch)
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin-1")
    monkeypatch.setenv("NOTION_TOKEN", "ntn_1")
    assert send(address(receiver), "AI usage", "…") == SILENCE
    assert "PATH" in seen
    assert not {"OPENAI_ADMIN_KEY", "NOTION_TOKEN"} & seen.keys()


def test_what_a_text_looks_like_stays_as_it_is(receiver: Receiver) -> None:
    text = "one & <b>two</b> \\n three\n+$12.00 (+5%) # four"
    assert send(address(receiver), "AI & usage", text) == SILENCE
    assert receiver.bodies == [text]


SENDER = """
import sys
from pathlib import Path
from pydantic import SecretStr
from archive.beside.claims import Claims
from archive.store import FolderStore
from tasks.books.telling.addresses import Address
from tasks.books.telling.delivery import News, deliver
claims, address = Claims(FolderStore(Path(sys.argv[1]))), Address(SecretStr(sys.argv[2]), 1)
print("ready", flush=True)
sys.stdin.readline()
print(deliver("AI usage", [News("digest/2026-01/closed", "once")], [address], claims).sent)
"""


def test_of_two_programs_that_race_one_sends(receiver: Receiver, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SENDER, str(tmp_path / "told"), receiver.address]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    two = [subprocess.Popen(command, cwd=ROOT, text=True, **pipes) for _ in range(2)]  # type: ignore[call-overload]
    for one in two:
        assert one.stdout.readline() == "ready\n"
    for one in two:
        one.stdin.write("go\n")
        one.stdin.flush()
    sent = [one.communicate(timeout=60)[0] for one in two]
    assert sorted(sent) == ["0\n", "1\n"]
    assert receiver.bodies == ["once"]

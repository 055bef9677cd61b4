"""Machines as they are: each command works there, or ends in one sentence that names the variable or the file."""

from __future__ import annotations

import base64
import os
import stat
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from cli.prefect_server.server import OwnServer, prefect_server
from sandbox.everything import Sandbox
from tests.cli.programs import Program

SECRET = "hunter2"
"""Stands in values that are wrong, and must not be shown."""
NOBODY = """
import pwd, sys
def unknown(*_): raise KeyError
pwd.getpwuid = pwd.getpwnam = unknown
sys.argv[0] = "llm-usage"
from cli.main import entry
entry()
"""
"""The program for a user who has neither a name nor a home folder."""


@pytest.fixture
def set_up(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    assert main(["setup"]) == 0
    capsys.readouterr()


class _Refusing(BaseHTTPRequestHandler):
    """A proxy that lets nobody through."""

    def answer(self) -> None:
        self.server.asked.append(self.requestline)  # type: ignore[attr-defined]
        self.send_error(403)

    do_GET = do_POST = do_PATCH = do_CONNECT = answer  # the names that the base class looks for

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def proxy() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        server.asked = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


# -- `status`, which needs no Prefect

WORKS: dict[str, dict[str, str]] = {
    "SOCKS": {"ALL_PROXY": "socks5://127.0.0.1:1080"},
    "SOCKS, names by the proxy": {"all_proxy": "socks5h://user:word@127.0.0.1:1080"},
    "a host alone": {"HTTPS_PROXY": "proxy.example:3128", "HTTP_PROXY": "proxy.example:3128/"},
    "brackets": {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "localhost,127.0.0.1,[::1]"},
    "brackets and a port": {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "[::1]:8080"},
    "ranges": {"HTTP_PROXY": "http://127.0.0.1:9", "no_proxy": "10.0.0.0/8 127.0.0.0/8,fd00::/8"},
    "asterisks": {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "*.example.com, .example.org,,http://example.net"},
    "everything": {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "*"},
    "a bundle that nobody reads": {"REQUESTS_CA_BUNDLE": "/nonexistent/ca.pem", "CURL_CA_BUNDLE": "/nonexistent"},
    "a proxy that is taken back": {"HTTP_PROXY": f"htttp://{SECRET}", "http_proxy": ""},
}


@pytest.mark.parametrize("variables", WORKS.values(), ids=WORKS)
def test_what_can_be_read_works(program: Program, set_up: None, variables: dict[str, str]) -> None:
    program.variables |= variables
    told = program.run("status")
    assert (told.status, told.err) == (0, "")


PROXY = "that is not the address of a proxy"
WRONG: dict[str, tuple[dict[str, str], str]] = {
    "scheme": ({"HTTPS_PROXY": f"htttp://user:{SECRET}@proxy.example:3128"}, f"HTTPS_PROXY: {PROXY}"),
    "old SOCKS": ({"ALL_PROXY": f"socks4://{SECRET}:1080"}, f"ALL_PROXY: {PROXY}"),
    "no colon": ({"http_proxy": f"http//{SECRET}:3128"}, f"http_proxy: {PROXY}"),
    "no host": ({"HTTP_PROXY": "http://"}, f"HTTP_PROXY: {PROXY}"),
    "no number": ({"HTTP_PROXY": f"http://proxy.example:{SECRET}"}, f"HTTP_PROXY: {PROXY}"),
    "no such port": ({"HTTP_PROXY": "http://proxy.example:70000"}, f"HTTP_PROXY: {PROXY}"),
    "entry": ({"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": f"localhost,{SECRET}:x"}, "NO_PROXY: its entry 2"),
    "half a bracket": ({"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "[::1"}, "NO_PROXY: its entry 1"),
    "range": ({"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "10.0.0.0/99"}, "NO_PROXY: its entry 1"),
    "no bundle": ({"SSL_CERT_FILE": f"/nonexistent/{SECRET}.pem"}, "SSL_CERT_FILE: the file it names"),
    "a folder": ({"SSL_CERT_FILE": "/"}, "SSL_CERT_FILE: the file it names"),
    "no certificate": ({"SSL_CERT_FILE": __file__}, "there is no certificate in it"),
    "no log": ({"SSLKEYLOGFILE": f"/nonexistent/{SECRET}"}, "SSLKEYLOGFILE: the file it names can't be written"),
    "no log in a folder": ({"SSLKEYLOGFILE": "/"}, "SSLKEYLOGFILE: the file it names can't be written"),
    "no certificates": ({"SSL_CERT_DIR": f"/nonexistent/{SECRET}"}, "SSL_CERT_DIR: the folder it names"),
}


@pytest.mark.parametrize(("variables", "words"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_read_is_named(program: Program, variables: dict[str, str], words: str) -> None:
    program.variables |= {"SSL_CERT_FILE": ""} | variables
    told = program.run("status", "--json")
    assert (told.status, told.err) == (2, "")
    assert words in told.json["error"]
    assert SECRET not in told.out


def wrapped(program: Program, shell: str, *arguments: str) -> Any:
    """Run the program in a shell that has done something before: `shell` ends with `"$@"`."""
    program.prefix = ("bash", "-c", shell, "bash")
    return program.run(*arguments)


def test_the_token_goes_to_no_proxy(program: Program, set_up: None, proxy: Any) -> None:
    address = f"http://127.0.0.1:{proxy.server_port}"
    program.variables |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"), address)
    told = program.run("status")
    assert (told.status, told.err) == (0, "")
    assert proxy.asked == []


def test_no_file_can_be_written(program: Program, set_up: None) -> None:
    told = wrapped(program, 'ulimit -f 0; exec "$@"', "status")
    assert told.status == 0
    assert told.err.startswith(f"note: {program.folder / 'state' / 'llm-usage' / 'notion-pace.sqlite'} can't be used")
    assert told.err.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "word"), [("collect", "PREFECT_HOME: Prefect can't write to"), ("demo", "TMPDIR: no temporary folder")]
)
def test_no_file_can_be_written_where_some_have_to_be(program: Program, command: str, word: str) -> None:
    told = wrapped(program, 'ulimit -f 0; exec "$@"', command)
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith(f"llm-usage: {word}")
    assert told.err.count("\n") == 1


def test_too_few_files(program: Program) -> None:
    told = wrapped(program, 'ulimit -n 24; exec "$@"', "status")
    assert (told.status, told.out) == (2, "")
    assert told.err == "llm-usage: ulimit -n: 24 open files are too few; allow 128 or more\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_stream_is_closed(program: Program, set_up: None, closed: str) -> None:
    told = wrapped(program, f'exec "$@" {closed}', "status")
    assert (told.status, told.err) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize(
    "asked", [("status",), ("status", "--json"), ("--help",), ("status", "--help"), ("--version",)]
)
def test_the_disk_is_full(program: Program, set_up: None, asked: tuple[str, ...]) -> None:
    told = wrapped(program, 'exec "$@" >/dev/full', *asked)
    assert told.status == 1
    assert told.err == "llm-usage: standard output can't be written (No space left on device)\n"


def test_a_terminal_that_does_not_have_every_letter(program: Program) -> None:
    program.variables["PYTHONIOENCODING"] = "ascii"
    told = program.run("setup", "--dry-run")
    assert (told.status, told.err) == (0, "")
    assert '"Services LLM"' in told.out
    program.variables["LLM_USAGE_LANG"] = "fr"
    told = program.run("collect", "--month", "œuvre")
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith("llm-usage: 'oeuvre' n'est pas un mois : ecrivez-le comme 2026-01")


@pytest.mark.parametrize("coding", ["ascii", "cp1252", "utf-16"])
def test_json_is_utf_8_everywhere(program: Program, coding: str) -> None:
    program.variables["PYTHONIOENCODING"] = coding
    told = program.run("setup", "--dry-run", "--json")
    assert (told.status, told.err) == (0, "")
    assert "“Services LLM”" in told.json["would"][0]


def test_a_user_without_a_home(program: Program, set_up: None) -> None:
    program.code, program.missing = NOBODY, ("HOME", "PREFECT_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME")
    told = program.run("status")
    assert told.status == 0
    assert "this user has no home folder" in told.err
    assert told.err.count("\n") == 1
    told = program.run("collect")
    assert (told.status, told.out) == (2, "")
    assert told.err == "llm-usage: PREFECT_HOME: this user has no home folder; name a folder for Prefect's files\n"
    told = program.run("archive")
    assert (told.status, told.out) == (1, "")
    assert "the user's data folder can't be opened (this user has no home folder): name another place" in told.err


# -- Prefect's own files and settings

BROKEN = f'active = "local"\n[profiles.local\nPREFECT_API_KEY="{SECRET}"\n'
FILES: dict[str, tuple[str, bytes, str]] = {
    "profile": ("prefect/profiles.toml", BROKEN.encode(), "/prefect/profiles.toml: Prefect can't read"),
    "prefect.toml": ("prefect.toml", b"[server]\nanalytics_enabled = fals\n", "prefect.toml: Prefect can't read"),
    "pyproject.toml": ("pyproject.toml", b"[tool.prefect", "pyproject.toml: Prefect can't read"),
    "not UTF-8": ("prefect.toml", "[server]\n# déjà vu".encode("latin-1"), "prefect.toml: Prefect can't read"),
    "no such value": (
        "prefect.toml",
        f'[results]\npersist_by_default = "{SECRET}"\n'.encode(),
        "PREFECT_RESULTS_PERSIST",
    ),
    "no table": ("prefect.toml", b"server = 3\n", "Prefect can't use its settings"),
    "in .env": (".env", f"PREFECT_SERVER_ANALYTICS_ENABLED={SECRET}\n".encode(), "PREFECT_SERVER_ANALYTICS_ENABLED"),
    "certificates": (".env", f"PREFECT_API_SSL_CERT_FILE=/{SECRET}\n".encode(), "PREFECT_API_SSL_CERT_FILE"),
    "no address": (".env", f"PREFECT_API_URL={SECRET}\n".encode(), "PREFECT_API_URL: that is not the address"),
    ".env": (".env", b"\xff\xfe", ".env: can't be read"),
}


@pytest.mark.parametrize(("path", "text", "words"), FILES.values(), ids=FILES)
def test_a_setting_of_prefects_cannot_be_used(
    program: Program, set_up: None, path: str, text: bytes, words: str
) -> None:
    (program.folder / path).parent.mkdir(exist_ok=True)
    (program.folder / path).write_bytes(text)
    told = program.run("collect")
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith("llm-usage: ")
    assert words in told.err
    assert told.err.count("\n") == 1
    assert SECRET not in told.err


@pytest.mark.parametrize(
    ("name", "value"), [("DEFAULT_STORAGE_BLOCK", f"s3-bucket/{SECRET}"), ("DEFAULT_SERIALIZER", SECRET)]
)
def test_a_way_of_storing_that_prefect_does_not_know(
    program: Program, set_up: None, prefect_api: str, name: str, value: str
) -> None:
    program.use(prefect_api)
    program.variables[f"PREFECT_RESULTS_{name}"] = value
    told = program.run("collect")
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith(f"llm-usage: PREFECT_RESULTS_{name}: Prefect can't store results so (")
    assert told.err.count("\n") == 1
    assert SECRET not in told.err


def test_commands_that_need_no_prefect_do_without_its_files(program: Program, set_up: None) -> None:
    (program.folder / "prefect.toml").write_text("[server")
    assert program.run("status").err == ""


def test_a_folder_that_everybody_may_write_to(program: Program) -> None:
    program.home.mkdir()
    program.home.chmod(0o1777)
    told = program.run("collect")
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith(f"llm-usage: PREFECT_HOME: everybody may write to {program.home}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away, and write to it")
def test_a_folder_of_another_user(program: Program) -> None:
    program.home.mkdir()
    os.chown(program.home, 54321, 54321)
    told = program.run("collect")
    assert (told.status, told.out) == (2, "")
    assert told.err == (f"llm-usage: PREFECT_HOME: {program.home} belongs to another user; name a folder of your own\n")


def test_results_are_closed_to_others_beside_any_server(
    prefect_api: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    before = os.umask(0o022)
    try:
        with prefect_server() as server:
            assert not isinstance(server, OwnServer)
            (tmp_path / "result").touch()
        assert stat.S_IMODE((tmp_path / "result").stat().st_mode) == 0o600
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_a_folder_that_leads_elsewhere(program: Program) -> None:
    program.home.mkdir()
    (program.home / "llm-usage").symlink_to(program.folder)
    told = program.run("collect")
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith(f"llm-usage: PREFECT_HOME: {program.home / 'llm-usage'} can't be used")


def test_all_at_once(program: Program, set_up: None, proxy: Any, prefect_api: str) -> None:
    """What is set for another server, proxies and all the rest; and what was readable for everybody no longer is."""
    program.used_before()
    database = program.home / "prefect.db"
    database.chmod(0o644)
    (program.folder / ".env").write_text(
        "PREFECT_SERVER_API_AUTH_STRING=team:other\nPREFECT_SERVER_API_BASE_PATH=/team\n"
        "PREFECT_SERVER_DATABASE_CONNECTION_URL=postgresql+asyncpg://nobody@127.0.0.1:9/nothing\n"
        "PREFECT_API_KEY=other\nPREFECT_API_AUTH_STRING=team:other\n"
    )
    (program.folder / "prefect.toml").write_text("[server.api]\nport = 9\n[server.database]\ntimeout = 0.001\n")
    program.variables |= {
        "HTTP_PROXY": f"http://127.0.0.1:{proxy.server_port}",
        "NO_PROXY": "example.com,[::1]",
        "PREFECT_CLIENT_CUSTOM_HEADERS": '{"Authorization": "Basic b3RoZXI="}',
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
    }
    program.code, program.missing = NOBODY, ("HOME",)
    told = wrapped(program, 'ulimit -n 128; exec "$@"', "collect", "--json")
    assert (told.status, told.err) == (0, "")
    assert proxy.asked == []
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    results = [path for path in (program.home / "storage").rglob("*") if path.is_file()]
    assert results
    assert {stat.S_IMODE(path.stat().st_mode) for path in results} == {0o600}


# -- our own server, seen by others


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OwnServer, Path]]:
    home = tmp_path_factory.mktemp("own") / "prefect"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(home))
        patch.delenv("PREFECT_API_URL")
        patch.setenv("OPENAI_ADMIN_KEY", SECRET)
        patch.setenv("NOTION_TOKEN", SECRET)
        patch.setenv("PREFECT_API_KEY", SECRET)
        patch.setenv("LC_ALL", "C.UTF-8")
        with prefect_server() as server:
            assert isinstance(server, OwnServer)
            server.wait()
            yield server, home


def ask(server: OwnServer, auth_string: str | None) -> int:
    import httpx

    word = base64.b64encode(auth_string.encode()).decode() if auth_string else ""
    headers = {"Authorization": f"Basic {word}"} if word else {}
    return httpx.post(f"{server.api_url}/flow_runs/filter", json={}, headers=headers, trust_env=False).status_code


def test_nobody_else_can_ask_it(own: tuple[OwnServer, Path]) -> None:
    server, _ = own
    assert ask(server, None) == 401
    assert ask(server, "llm-usage:") == 401
    assert ask(server, server.auth_string) == 200
    assert len(server.auth_string) > 40


def test_it_has_no_key_and_no_word_in_its_arguments(own: tuple[OwnServer, Path]) -> None:
    server, _ = own
    process = Path(f"/proc/{server.pid}")
    if not process.exists():
        pytest.skip("looks for processes where Linux lists them")
    names = {entry.partition("=")[0] for entry in (process / "environ").read_text().split("\0") if entry}
    assert {name for name in names if not name.startswith(("PREFECT_", "LC_", "LANG"))} <= {
        "PATH",
        "HOME",
        "DO_NOT_TRACK",
        "PY_KEY_VALUE_DISABLE_BEARTYPE",
        "PYTHONPYCACHEPREFIX",
        "PYTHONDONTWRITEBYTECODE",
    }
    assert "LC_ALL" in names
    assert SECRET not in (process / "environ").read_text()
    assert server.auth_string not in (process / "cmdline").read_text()
    assert server.auth_string.partition(":")[2] not in (process / "cmdline").read_text()


def test_it_finds_compiled_modules_where_this_process_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody may write to the installation, it would compile two thousand modules at each start."""
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "pycache_prefix", "compiled")
    server = OwnServer()
    try:
        environment = Path(f"/proc/{server.pid}/environ")
        if not environment.exists():
            pytest.skip("looks for processes where Linux lists them")
        assert f"PYTHONPYCACHEPREFIX={tmp_path / 'compiled'}" in environment.read_text().split("\0")
    finally:
        server.kill()
        server.stop()


def test_nobody_else_can_read_its_files(own: tuple[OwnServer, Path]) -> None:
    _, home = own
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    files = [path for path in home.rglob("*") if path.exists()]
    assert home / "prefect.db" in files
    assert {path: oct(path.stat().st_mode) for path in files if path.stat().st_mode & 0o077} == {}


def test_the_environment_is_as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PREFECT_API_URL")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "team:other")
    before, umask = dict(os.environ), os.umask(0o022)
    try:
        with prefect_server() as server:
            assert isinstance(server, OwnServer)
            assert os.environ["PREFECT_API_AUTH_STRING"] == server.auth_string
        assert dict(os.environ) == before
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(umask)

"""Why no answer came: each reason has its own sentence, and what to do in it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from notion.client.connection import TRIES, DoubtfulCreation
from notion.client.gateway import Gateway
from tests.notion.languages import are_told_in_both
from tests.notion.office import Notion
from tests.notion.wires import gateway
from usage.errors import NotionAccessError, NotionBusyError, NotionError

CERTIFICATE = "certificat de notion.example n’est pas reconnu"
TIME_OUT = "n’a pas répondu à temps"


@pytest.fixture
def free_port() -> int:
    """A port of this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def lost(error: httpx.RequestError, behind: BaseException | None = None) -> Gateway:
    """A connection on which every request ends like this."""

    def fail(request: httpx.Request) -> httpx.Response:
        error.request = request
        raise error from behind

    return gateway(fail)


REASONS: list[tuple[Callable[[], Gateway], str, list[str]]] = [
    (
        lambda: lost(httpx.ConnectError("x"), ssl.SSLCertVerificationError("self-signed")),
        CERTIFICATE,
        ["SSL_CERT_FILE", "NOTION_BASE_URL"],
    ),
    (lambda: lost(httpx.ConnectError("x"), ConnectionRefusedError()), "refuse la connexion", ["pare-feu"]),
    (lambda: lost(httpx.ConnectError("x"), socket.gaierror(-2, "x")), "introuvable (DNS)", ["NOTION_BASE_URL"]),
    (lambda: lost(httpx.ConnectTimeout("x")), "n’accepte pas la connexion à temps", ["pare-feu"]),
    (lambda: lost(httpx.ReadTimeout("x")), TIME_OUT, ["relancez"]),
    (lambda: lost(httpx.ProxyError("x")), "Le proxy refuse", ["HTTPS_PROXY", "NO_PROXY"]),
    (lambda: lost(httpx.ReadError("x")), "a été coupée (ReadError", ["relancez"]),
]
NAMES = ["certificate", "refused", "unknown host", "connect time-out", "read time-out", "proxy", "cut"]


@pytest.mark.parametrize(("connect", "words", "todo"), REASONS, ids=NAMES)
def test_each_reason_has_its_sentence(connect: Callable[[], Gateway], words: str, todo: list[str]) -> None:
    with pytest.raises(NotionError) as caught:
        connect().data_source("ds")
    sentence = str(caught.value)
    assert words in sentence
    assert all(word in sentence for word in todo)
    assert are_told_in_both([caught.value.sentence])
    assert all(word in caught.value.sentence.en for word in todo if word.isupper())
    others = [other for _, other, _ in REASONS if other != words]
    assert not any(other in sentence for other in others)


@pytest.mark.parametrize(("connect", "words", "todo"), REASONS, ids=NAMES)
def test_what_was_never_sent_may_be_sent_again(connect: Callable[[], Gateway], words: str, todo: list[str]) -> None:
    connection = connect()
    with pytest.raises(NotionError) as caught:
        connection.create_row("ds", {})
    in_doubt = "coupée" in words or words == TIME_OUT
    assert isinstance(caught.value, DoubtfulCreation) is in_doubt
    assert connection.requests == (1 if in_doubt or words == CERTIFICATE else TRIES)


def test_a_certificate_is_a_persons_to_mend() -> None:
    connection = REASONS[0][0]()
    with pytest.raises(NotionAccessError):
        connection.data_source("ds")
    assert connection.requests == 1


# -- the same, from the network itself


def reached(notion: Notion, base_url: str) -> str:
    connection = notion.gateway(notion.settings(base_url=base_url))
    with pytest.raises((NotionAccessError, NotionBusyError)) as caught:
        connection.data_source("ds")
    return str(caught.value)


def test_nobody_listens(notion: Notion, free_port: int) -> None:
    assert "L’hôte 127.0.0.1 refuse la connexion" in reached(notion, f"http://127.0.0.1:{free_port}")


def test_no_such_host(notion: Notion, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert "L’hôte notion.invalid est introuvable (DNS)" in reached(notion, "https://notion.invalid")


@pytest.fixture
def unknown_authority(tmp_path: Path) -> Iterator[int]:
    """The port of a server whose certificate it has signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "localhost")])
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, begins, begins + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(plain + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def serve() -> None:
        peer, _ = listening.accept()
        with peer, suppress(OSError), context.wrap_socket(peer, server_side=True):
            pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Thread(target=serve)
        server.start()
        yield listening.getsockname()[1]
        server.join()


def test_a_certificate_that_nobody_knows(notion: Notion, unknown_authority: int) -> None:
    told = reached(notion, f"https://localhost:{unknown_authority}")
    assert "certificat de localhost n’est pas reconnu" in told

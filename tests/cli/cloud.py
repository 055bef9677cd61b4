"""A stand-in for a workspace of Prefect Cloud before a Prefect server: TLS, a key, its own paths, no administration."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

KEY: Final = "pnu_only-in-tests"
_WORKSPACE: Final = "/api/accounts/9b649228-0419-40e1-9e0d-44954b5c0ab6/workspaces/d137367a-5055-44ff-b91c-6f7366c9e4c4"


class Cloud:
    """Where it is, and what it was asked."""

    def __init__(self, origin: str, certificate: Path) -> None:
        self.origin, self.certificate = origin, certificate
        self.asked: list[str] = []

    @property
    def variables(self) -> dict[str, str]:
        """What a person sets, and which address is Prefect Cloud's here."""
        return {
            "PREFECT_API_URL": self.origin + _WORKSPACE,
            "PREFECT_API_KEY": KEY,
            "PREFECT_CLOUD_API_URL": f"{self.origin}/api",
            "PREFECT_API_SSL_CERT_FILE": str(self.certificate),
        }


@contextmanager
def cloud(prefect_api: str, folder: Path) -> Iterator[Cloud]:
    """Serve a workspace while the block runs.

    Args:
        prefect_api: The server that answers behind it.
        folder: For its certificate.
    """
    certificate = _write_certificate(folder)
    user, _, password = os.environ["PREFECT_API_AUTH_STRING"].partition(":")
    with httpx.Client(auth=(user, password), trust_env=False, timeout=60) as behind:

        class Workspace(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = self.path.removeprefix(_WORKSPACE)
                stand_in.asked.append(path)
                if self.headers.get("Authorization") != f"Bearer {KEY}":
                    self.say(401, b'{"detail":"Unauthorized"}')
                elif path == self.path or path.startswith(("/admin", "/health", "/csrf-token")):
                    self.say(404, b'{"detail":"Not Found"}')
                else:
                    headers = {"Content-Type": self.headers.get("Content-Type", "application/json")}
                    told = behind.request(self.command, f"{prefect_api}{path}", content=body, headers=headers)
                    self.say(told.status_code, told.content)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer

            def say(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Workspace) as server:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            stand_in = Cloud(f"https://127.0.0.1:{server.server_port}", certificate)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield stand_in
            server.shutdown()


def _write_certificate(folder: Path) -> Path:
    """A key and a certificate for this machine, which certifies itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "workspace.pem"
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(plain + certificate.public_bytes(Encoding.PEM))
    return path

"""Certificates: those of this machine, and the one that is enough for tests, which speak with this machine alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import certifi

OF_THIS_MACHINE: Final = {
    name: value for name, value in os.environ.items() if name in ("SSL_CERT_FILE", "SSL_CERT_DIR")
}
"""Variables that name them, for what fetches packages."""


def write_one(folder: Path) -> dict[str, str]:
    """Write one certificate; variables that name it in place of all.

    Each client reads all that it is to believe when it is made, and a collection makes some fifteen.
    """
    file = folder / "one-certificate.pem"
    text, end, _ = certifi.contents().partition("-----END CERTIFICATE-----")
    file.write_text(f"{text}{end}\n", "utf-8")
    return {"SSL_CERT_FILE": str(file), "PREFECT_API_SSL_CERT_FILE": str(file)}

"""The official validator finds nothing wrong with the FOCUS export, as CSV and as Parquet.

It needs Python 3.12 and an environment of its own, which is made once, in the user's cache. Its rules of FOCUS 1.2 come
with the package: it asks nobody else.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import platformdirs
import pytest

from tests.surfaces.books import SPAN, Books

REQUIREMENTS: Final = Path(__file__).with_name("focus-validator.txt")
CRITERIA: Final = (
    "MULTIPLE_SUB_ACCOUNT_TYPES_SUPPORTED",
    "SUB_ACCOUNT_SUPPORTED",
    "TAGGING_SUPPORTED",
    "UNIT_PRICING_SUPPORTED",
    "USAGE_MEASUREMENT_SUPPORTED",
)
"""What the export says of providers. It can't say list prices, regions, resources or commitments,
and not every account has a name."""
ALTERNATIVES: Final = {"InvoiceId-C-005-C"}
"""`InvoiceId` is null where there is no invoice (004), or is not null where there is one (005). The validator tries
both on all lines, and one of the two always fails; the rule above them (003) is met where one of them is."""


def python_312() -> str | None:
    """An interpreter; None where there is none that starts."""
    places = [
        Path(shutil.which("python3.12") or "/usr/bin/python3.12"),
        *Path.home().glob(".pyenv/versions/3.12.*/bin/python"),
    ]
    return next((str(path) for path in places if path.is_file() and _starts(path)), None)


def _starts(path: Path) -> bool:
    told = subprocess.run(
        [path, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True, check=False
    )
    return told.stdout.strip() == "(3, 12)"


@pytest.fixture(scope="module")
def environment() -> Path:
    """The environment's folder; made where it is missing or of other requirements."""
    mark = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    folder = platformdirs.user_cache_path("llm-usage-tests") / f"focus-validator-{mark}"
    if (folder / "whole").is_file():
        return folder
    python = python_312()
    if python is None:
        pytest.skip("focus-validator needs Python 3.12, and there is none on this machine")
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([python, "-m", "venv", str(folder)], check=True, capture_output=True)
    pip = [str(folder / "bin" / "pip"), "install", "-qq", "--disable-pip-version-check"]
    told = subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=False, capture_output=True, text=True)
    if told.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"focus-validator can't be installed: {(told.stderr.splitlines() or ['pip says nothing'])[-1]}")
    (folder / "whole").touch()
    return folder


def validate(environment: Path, folder: Path, data: Path) -> str:
    """What the validator says of a file."""
    # It looks for its list of currencies below the current folder.
    package = next(environment.glob("lib/python3.12/site-packages/focus_validator"))
    if not (folder / "focus_validator").is_symlink():
        (folder / "focus_validator").symlink_to(package)
    command = [
        str(environment / "bin" / "focus-validator"),
        "--data-file",
        str(data),
        "--validate-version",
        "1.2",
        "--block-download",
    ]
    more = ["--show-violations", "--applicability-criteria", ",".join(CRITERIA)]
    told = subprocess.run([*command, *more], cwd=folder, check=False, capture_output=True, text=True, timeout=300)
    assert told.returncode == 0, told.stderr
    return told.stdout


def failed(report: str) -> set[str]:
    """Rules that are not met."""
    return set(re.findall(r"([A-Za-z]+-[A-Z]-\d{3}-[MCO]): FAIL", report))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_official_validator_passes(books: Books, environment: Path, tmp_path: Path, form: str) -> None:
    data = tmp_path / f"focus.{form}"
    assert books("export", "focus", "--month", SPAN, "-o", str(data)).status == 0
    report = validate(environment, tmp_path, data)
    assert failed(report) <= ALTERNATIVES, report[report.find("--- Failures") :]
    passed = re.search(r"Pass: (\d+)", report)
    assert passed is not None
    assert int(passed[1]) > 150


def test_the_validator_would_see_what_is_wrong(books: Books, environment: Path, tmp_path: Path) -> None:
    data = tmp_path / "focus.csv"
    assert books("export", "focus", "--month", "2026-01", "-o", str(data)).status == 0
    data.write_text(data.read_text("utf-8").replace(",Usage,", ",Used,"), "utf-8")
    assert "ConsumedQuantity-C-004-C" in failed(validate(environment, tmp_path, data))

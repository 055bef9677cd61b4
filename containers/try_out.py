"""Uses what is installed, while an image is built: modules, the archive's format, a store, charts, words, system."""

from __future__ import annotations

import importlib
import io
import pkgutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

PACKAGES: Final = ("archive", "cli", "flows", "notion", "providers", "reports", "sandbox", "tasks", "usage")
OTHERS: Final = (
    "asyncpg",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "alembic",
    "prefect.server.api.server",
    "prefect.cli",
    "prefect.workers.process",
    "xlsxwriter",
)
"""What Prefect and the reports load when they are used, and not before."""


def modules() -> Iterator[str]:
    """Every module of the program."""
    for name in PACKAGES:
        yield name
        package = importlib.import_module(name)
        yield from (found.name for found in pkgutil.walk_packages(package.__path__, f"{name}."))


def tables() -> None:
    """Exact figures into a Parquet file and back, and an object store that is spoken to over TLS."""
    import pandas as pd  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.fs as pafs  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = pa.table({"day": [date(2026, 1, 31)], "cost_usd": pa.array([Decimal("0.25")], pa.decimal128(38, 12))})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "day.parquet")
        pq.write_table(table, file, compression="zstd")
        frame = pq.read_table(file).to_pandas(types_mapper=pd.ArrowDtype)
    assert frame["cost_usd"].sum() == Decimal("0.25")
    assert pafs.S3FileSystem(anonymous=True, region="eu-west-3").type_name == "s3"
    pafs.finalize_s3()


def charts() -> None:
    """Both formats, with letters that are not English ones."""
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("agg")
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axes = pyplot.subplots(layout="constrained")
    axes.bar(["août"], [1.5], label="coût")
    axes.legend()
    for name in ("png", "svg"):
        figure.savefig(io.BytesIO(), format=name)


def words() -> None:
    """Money and dates in both languages."""
    from babel.dates import format_date  # noqa: PLC0415
    from babel.numbers import format_currency  # noqa: PLC0415

    said = [
        f"{format_date(date(2026, 1, 31), locale=name)} {format_currency(1.5, 'USD', locale=name)}"
        for name in ("fr_FR", "en_US")
    ]
    assert "janv." in said[0], said
    assert "$1.50" in said[1], said


def system() -> None:
    """What Python and Prefect take from the system: certificates, time zones, a shell; and Prefect's pages."""
    import prefect  # noqa: PLC0415

    trusted = ssl.get_default_verify_paths()
    assert trusted.cafile or (trusted.capath and any(Path(trusted.capath).iterdir())), trusted
    assert datetime(2026, 7, 1, tzinfo=ZoneInfo("Europe/Paris")).tzname() == "CEST"
    subprocess.run(["sh", "-c", "exec env true"], check=True)  # noqa: S607
    assert Path(prefect.__ui_static_path__, "index.html").is_file()


def main() -> None:
    """All of it.

    Raises:
        SystemExit: A module can't be loaded.
    """
    names = [*modules(), *OTHERS]
    for name in names:
        importlib.import_module(name)
    for part in (tables, charts, words, system):
        part()
    print(f"{len(names)} modules, and what they use: {sys.prefix}")


if __name__ == "__main__":
    main()

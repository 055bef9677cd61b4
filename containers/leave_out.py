"""Takes out of an environment what the program never reads: `python leave_out.py ENVIRONMENT`, while an image is built.

Prints what each part of the list has freed. One that is not there fails the build: a package has changed, and the list
has to be looked at again. `try_out.py` and `llm-usage demo` show afterwards that nothing is missing.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple


class Part(NamedTuple):
    """What leaves: files and folders by patterns below `site-packages`, but for some names; and why."""

    patterns: Sequence[str]
    why: str
    but: frozenset[str] = frozenset()


PARTS: Final = (
    Part(
        ["**/tests", "numpy/_core/_simd.*", "numpy/_core/*_tests.*", "sqlalchemy/testing", "pyarrow/*_tests.*"],
        "the packages' own tests",
    ),
    Part(["**/*.pyi", "**/*.pyx", "**/*.pxd", "**/*.pxi"], "for type checkers and compilers of other extensions"),
    Part(
        [
            *("pyarrow/include", "pyarrow/includes", "pyarrow/src"),
            *("numpy/_core/include", "numpy/_core/lib", "numpy/random/lib", "numpy/distutils", "numpy/f2py"),
            *("**/*.c", "**/*.h", "**/*.cpp", "**/*.hpp"),
        ],
        "for compilers of other extensions",
    ),
    Part(["pyarrow/*flight*"], "Arrow's servers: the archive is files"),
    Part(["pyarrow/*substrait*"], "other programs' plans of queries: none comes here"),
    Part(
        [
            *("pyarrow/_*orc.*", "pyarrow/_feather.*", "pyarrow/_json.*", "pyarrow/*encryption*"),
            *("pyarrow/_hdfs.*", "pyarrow/_gcsfs.*", "pyarrow/_azurefs.*"),
        ],
        "formats and stores that the archive does not know",
    ),
    Part(["pyarrow/libarrow_python*.so", "pyarrow/libarrow_python*.so.*.*.*"], "second copies, for linkers"),
    Part(
        ["babel/locale-data/*.dat"],
        "the program speaks French and English",
        frozenset({"root.dat", "en.dat", "en_US.dat", "en_001.dat", "fr.dat", "fr_FR.dat"}),
    ),
    Part(["apprise/i18n/**/*.po", "apprise/i18n/*.pot"], "what its words are compiled from"),
    Part(
        ["fontTools/*"],
        "cuts fonts to size for PDF; a chart is SVG or PNG, for which the names of glyphs are enough",
        frozenset({"__init__.py", "agl.py", "misc"}),
    ),
    Part(
        ["fontTools/misc/*"],
        "the same: the names need these",
        frozenset({"__init__.py", "loggingTools.py", "textTools.py"}),
    ),
    Part(
        ["matplotlib/mpl-data/fonts/*/*"],
        "a chart is written in DejaVu Sans, what that lacks in the last resort, and holds no formula",
        frozenset({"DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "LICENSE_DEJAVU", "LastResortHE-Regular.ttf"}),
    ),
    Part(["matplotlib/mpl-data/sample_data"], "examples of how charts are drawn"),
    Part(["matplotlib/backends/*tk*", "matplotlib/backends/*gtk*", "matplotlib/backends/*wx*"], "windows for charts"),
    Part(
        ["PIL/_avif.*", "pillow.libs/libavif-*", "PIL/_webp.*", "pillow.libs/libwebp*", "pillow.libs/libsharpyuv-*"],
        "formats of pictures that no chart is written in",
    ),
    Part(
        [
            *("PIL/_imagingft.*", "pillow.libs/libfreetype-*", "pillow.libs/libharfbuzz-*", "pillow.libs/libbrotli*"),
            *("pillow.libs/libpng16-*", "PIL/_imagingcms.*", "pillow.libs/liblcms2-*"),
        ],
        "letters and colours that Matplotlib has itself",
    ),
    Part(
        ["sqlalchemy/dialects/mssql", "sqlalchemy/dialects/mysql", "sqlalchemy/dialects/oracle"],
        "databases that Prefect can't be kept in",
    ),
    Part(
        ["prefect/server/ui-v2"],
        "the newer of two designs of Prefect's pages: the older one is where links of alerts lead",
    ),
    Part(["*.dist-info/sboms"], "what a package was built from"),
)


NEVER_CALLED: Final = ("pyarrow/libarrow_substrait.so.*",)
"""Libraries of those parts that others ask for when they are loaded, and call nothing of."""


def leave_out(packages: Path, parts: Sequence[Part] = PARTS) -> None:
    """Take the parts out of a `site-packages`, and the symbols for debuggers out of what is compiled.

    Raises:
        SystemExit: A part is not there.
    """
    _unlink(packages)
    for part in parts:
        found = [path for pattern in part.patterns for path in packages.glob(pattern) if path.name not in part.but]
        if not found:
            raise SystemExit(f"{', '.join(part.patterns)}: nothing in {packages} is called that")
        print(f"{sum(map(_remove, found)) / 1e6:6.1f} MB  {part.why}")
    print(f"{_strip(packages) / 1e6:6.1f} MB  symbols for debuggers")


def _remove(path: Path) -> int:
    """The bytes that it had. A folder may be gone with another that it lay in."""
    freed = _size(path)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return freed


def _unlink(packages: Path) -> None:
    """Let nothing ask for the libraries that are never called. `LD_BIND_NOW` shows what does call one."""
    for library in (path for pattern in NEVER_CALLED for path in packages.glob(pattern)):
        neighbours = map(str, library.parent.glob("*.so*"))
        subprocess.run(["patchelf", "--remove-needed", library.name, *neighbours], check=True)  # noqa: S603, S607


def _strip(packages: Path) -> int:
    """The bytes that it frees. What lies in `NAME.libs` was put there by a tool that `strip` does not get on with."""
    before = _size(packages)
    libraries = [path for path in packages.rglob("*.so*") if not path.parent.name.endswith(".libs") and path.is_file()]
    subprocess.run(["strip", "--strip-unneeded", *map(str, libraries)], check=True)  # noqa: S603, S607
    return before - _size(packages)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


if __name__ == "__main__":
    (_site_packages,) = Path(sys.argv[1]).glob("lib/python*/site-packages")
    leave_out(_site_packages)

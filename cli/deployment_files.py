"""What a Prefect server is told, and settings of its workers: files of the current folder, else the program's own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from usage.errors import SettingsError
from usage.language.reader import phrase
from usage.language.reasons import reason_of
from usage.language.saying import say

DEPLOYMENTS: Final = "prefect.yaml"
AUTOMATIONS: Final = "automations.yaml"
PREFECT_SETTINGS: Final = "prefect.toml"
_ALL: Final = (DEPLOYMENTS, AUTOMATIONS, PREFECT_SETTINGS)


def find(name: str) -> Path:
    """The file of the current folder, which somebody may have changed, else the one that the program brings along."""
    here = Path(name)
    return here if here.is_file() else _brought_along(name)


def write_here() -> list[str]:
    """Write the files into the current folder, where they can be changed; those that are there stay.

    Returns:
        One sentence for each.

    Raises:
        SettingsError: One can't be written.
    """
    said = []
    for name in _ALL:
        try:
            with Path(name).open("xb") as file:
                file.write(_brought_along(name).read_bytes())
        except FileExistsError:
            said.append(phrase("{name}: is there, and stays as it is", name=name))
        except OSError as error:
            raise SettingsError(
                say(
                    "{name}: can't be written here ({strerror}); go to a folder of yours",
                    name=name,
                    strerror=reason_of(error),
                )
            ) from None
        else:
            said.append(phrase("{name}: written", name=name))
    return said


def _brought_along(name: str) -> Path:
    """In a package that was built, beside this file; in a checkout, at its top."""
    packed = Path(__file__).parent / "deployment" / name
    return packed if packed.is_file() else Path(__file__).parents[1] / name

"""The floor plan: which part may import which, and how many things lie in one folder."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
MOST: Final = 12
"""Files and folders in one folder that a reader can take in at a glance."""

MAY_IMPORT: Final[Mapping[str, frozenset[str]]] = {
    "usage": frozenset(),
    "archive": frozenset({"usage"}),
    "notion": frozenset({"usage"}),
    "providers": frozenset({"usage"}),
    # Reports read records and rows, never the network.
    "reports": frozenset({"usage"}),
    "tasks": frozenset({"archive", "notion", "providers", "reports", "usage"}),
    "flows": frozenset({"tasks", "usage"}),
    "cli": frozenset({"archive", "flows", "tasks", "notion", "providers", "reports", "usage", "sandbox"}),
    # A misreading of an API must not be made twice: the stand-ins share nothing with the clients.
    "sandbox": frozenset(),
}

Graph = dict[str, set[str]]


def modules() -> dict[str, Path]:
    """Every module of the packages by its dotted name; a package by its `__init__.py`."""
    paths = [path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py")]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imported(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """The modules of ours that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            module = str(node.module)
            names = {f"{module}.{alias.name}" for alias in node.names}
            yield from names & known.keys()
            yield from {module} & known.keys() if names - known.keys() else ()


@cache
def imports() -> Graph:
    """Each module of ours and the modules of ours that it imports."""
    known = modules()
    return {name: set(imported(path, known)) - {name} for name, path in known.items()}


def room(module: str, folder: str) -> str:
    """The file or folder, directly below a folder, that a module lies in."""
    depth = folder.count(".") + 2
    return ".".join(module.split(".")[:depth])


def rooms(graph: Graph, folder: str) -> Graph:
    """The arrows between what lies directly in a folder."""
    inside = {one for one in graph if one.startswith(f"{folder}.")}
    found: Graph = {room(one, folder): set() for one in inside}
    for one in inside:
        found[room(one, folder)] |= {room(other, folder) for other in graph[one] & inside} - {room(one, folder)}
    return found


def require_no_circle(graph: Graph) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


FOLDERS: Final = sorted({name for name, path in modules().items() if path.name == "__init__.py"})


def test_no_module_imports_itself_by_way_of_others() -> None:
    require_no_circle(imports())


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_room_imports_itself_by_way_of_others(folder: str) -> None:
    require_no_circle(rooms(imports(), folder))


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_arrows_between_the_packages_go_one_way(package: str) -> None:
    graph = imports()
    found = {other.split(".")[0] for one in graph if one.split(".")[0] == package for other in graph[one]} - {package}
    assert found <= MAY_IMPORT[package]


def test_only_the_demo_uses_the_sandbox() -> None:
    users = {one for one, others in imports().items() if any(other.startswith("sandbox") for other in others)}
    assert {one for one in users if not one.startswith("sandbox")} == {"cli.commands.demo"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_is_seen_at_a_glance(folder: str) -> None:
    path = ROOT.joinpath(*folder.split("."))
    inside = [one for one in path.iterdir() if one.name not in ("__init__.py", "__pycache__", "py.typed")]
    assert len(inside) <= MOST, sorted(one.name for one in inside)


UNIX_ALONE: Final = frozenset({"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"})
"""Modules of the standard library that Windows does not have."""


def unguarded(tree: ast.AST) -> Iterator[str]:
    """What is imported as soon as a module is: not within a function, an `if` or a `try`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).partition(".")[0]
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.If | ast.Try):
            yield from unguarded(node)


def test_no_module_needs_unix_to_be_imported() -> None:
    found = {name: set(unguarded(ast.parse(path.read_text("utf-8")))) for name, path in modules().items()}
    assert {name: names & UNIX_ALONE for name, names in found.items() if names & UNIX_ALONE} == {}


def test_an_import_that_needs_unix_is_found() -> None:
    written = (
        "import os, pwd\ntry:\n    import fcntl\nexcept ImportError:\n    pass\nclass A:\n    from tty import setraw"
    )
    assert set(unguarded(ast.parse(written))) & UNIX_ALONE == {"pwd", "tty"}


def test_a_circle_is_found() -> None:
    with pytest.raises(pytest.fail.Exception, match="→"):
        require_no_circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    with pytest.raises(pytest.fail.Exception, match="→"):
        require_no_circle(rooms({"x.a.one": {"x.b"}, "x.b": {"x.a.two"}, "x.a.two": set()}, "x"))

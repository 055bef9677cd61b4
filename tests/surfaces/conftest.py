from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.everything import Sandbox
from tests.surfaces.books import NOW, Books


@pytest.fixture(scope="session")
def books(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Collected once for all: tests only read them."""
    from tasks.fetch import fetch

    with Sandbox(lambda: NOW) as sandbox, pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetch, "retry_delay_seconds", [0, 0])
        books = Books(sandbox, tmp_path_factory.mktemp("books"))
        books.collect()
        yield books

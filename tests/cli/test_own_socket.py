"""The socket of our own Prefect server: connections of other users of the machine are closed at once."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.prefect_server.own_socket import OwnSocket

pytestmark = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs a machine that tells whose they are")


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_connections_of_this_user_are_taken(listening: socket.socket) -> None:
    with OwnSocket(listening.detach()) as own:
        for source in ("127.0.0.1", "127.0.0.2"):
            with socket.create_connection(own.getsockname(), source_address=(source, 0)) as client:
                connection, peer = own.accept()
                with connection:
                    assert peer == client.getsockname()
                    client.sendall(b"1")
                    assert connection.recv(1) == b"1"


def test_connections_of_others_are_closed(listening: socket.socket) -> None:
    with OwnSocket(listening.detach(), user=os.geteuid() + 1) as others:
        others.setblocking(False)
        clients = [socket.create_connection(others.getsockname()) for _ in range(20)]
        with pytest.raises(BlockingIOError):
            others.accept()
        for client in clients:
            with client:
                assert client.recv(1) == b""

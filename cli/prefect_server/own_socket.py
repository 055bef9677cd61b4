"""A listening socket that serves one user of the machine alone.

Whoever has an account can connect to a port of loopback, and hold as many connections open as the process behind it may
have files: then nobody is served any more, password or not.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any, Final

_CONNECTIONS: Final = Path("/proc/net/tcp")
"""Where Linux lists connections of IPv4, and whose they are."""


class OwnSocket(socket.socket):
    """Closes connections of other users as soon as they are made, where the machine tells whose they are.

    Args:
        fileno: Descriptor of a socket of IPv4 that listens.
        user: Number of the user who is served; this process's by default.
    """

    def __init__(self, fileno: int, user: int | None = None) -> None:
        super().__init__(fileno=fileno)
        self._user = os.geteuid() if user is None and hasattr(os, "geteuid") else user
        self._tells = _CONNECTIONS.exists()
        self._users: dict[str, int] = {}
        """Users by the address that they connect from; each is asked for once, as another may be given it later."""

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection of this user.

        Raises:
            BlockingIOError: There is none, and the socket does not wait.
        """
        while True:
            connection, peer = super().accept()
            if not self._tells or self._is_own(peer):
                return connection, peer
            connection.close()

    def _is_own(self, peer: tuple[str, int]) -> bool:
        address = f"{_listed(peer)} {_listed(self.getsockname())}"
        if address not in self._users:
            # One look tells of all that wait: a crowd of strangers costs no more than one.
            self._users = _users()
        return self._users.pop(address, None) == self._user


def _listed(address: tuple[str, int]) -> str:
    """How Linux lists an address."""
    host, port = address
    return f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"


def _users() -> dict[str, int]:
    """The user of each connection, by both of its addresses."""
    lines = _CONNECTIONS.read_text(encoding="ascii").splitlines()[1:]
    return {f"{local} {remote}": int(user) for _, local, remote, _, _, _, _, user, *_ in map(str.split, lines)}

"""compose.yaml on an engine, with the sandbox in one more container; in a folder and under a name of its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from sandbox.everything import Sandbox
from tests.containers.serve import NOW, PORT
from tests.team.guide import ROOT
from tests.test_containers import SERVICES, images, sent

_NEEDED: Final = ("compose.yaml", "Dockerfile", ".dockerignore", ".env.example")
_HOST: Final = "sandbox"
_HEALTHY: Final = {
    ("database", "healthy"): 1,
    ("server", "healthy"): 1,
    ("worker", "healthy"): 2,
    ("deploy", "exited 0"): 1,
}
_ASKS: Final = (
    f'import ssl, urllib.request as web; web.urlopen("https://{_HOST}:{PORT}/", timeout=4, '
    'context=ssl.create_default_context(cafile="/trial/certificate.pem"))'
)


def missing_engine() -> str | None:
    """Why nothing can be tried here; None where it can."""
    for command in (["docker", "compose", "version"], ["docker", "info"], ["openssl", "version"]):
        if shutil.which(command[0]) is None:
            return f"{command[0]} is not installed"
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"{' '.join(command)}: {done.stderr.strip()}"
    return None


class Installation:
    """A checkout whose commands reach an engine.

    Args:
        folder: For everything.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        shutil.copytree(ROOT, self.folder, ignore=_only_what_is_needed)
        engine = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_") or name == "PATH"}
        engine.setdefault("DOCKER_CONFIG", str(Path.home() / ".docker"))
        self._environment = engine | {
            "HOME": str(folder),
            "COMPOSE_PROJECT_NAME": f"llm-usage-trial-{secrets.token_hex(4)}",
        }
        self._add_the_sandbox()

    def type(self, line: str, *, status: int = 0) -> str:
        """Type a line; returns what it said on standard output.

        Raises:
            RuntimeError: It ended with another status.
        """
        done = subprocess.run(
            ["bash", "-c", line],  # noqa: S607
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=1800,
        )
        if done.returncode != status:
            raise RuntimeError(f"{line}\nended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done.stdout

    def edit_env(self) -> None:
        """Put keys and Notion into `.env`, one key into a file, and the base images that this engine has."""
        sandbox = Sandbox(lambda: NOW)
        settings = {
            name: value.replace(sandbox.origin, f"https://{_HOST}:{PORT}")
            for name, value in sandbox.environment().items()
        }
        keys = self.folder / "secrets" / "keys"
        for name, content in (
            ("anthropic", settings.pop("ANTHROPIC_ADMIN_KEY")),
            ("alerts", f"https://{_HOST}:{PORT}/hook"),
        ):
            (keys / name).write_text(content)
        shutil.copy(self.folder / "trial" / "certificate.pem", keys)
        settings |= {
            "LLM_USAGE_NOW": NOW.isoformat(),
            "ANTHROPIC_ADMIN_KEY_FILE": "/run/secrets/anthropic",
            "SSL_CERT_FILE": "/run/secrets/certificate.pem",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "NOTION_REQUESTS_PER_MINUTE": "60000",
        }
        with (self.folder / ".env").open("a") as env:
            env.writelines(f"{name}={value}\n" for name, value in (settings | self.stand_ins()).items())

    def stand_ins(self) -> dict[str, str]:
        """The base images' stand-ins that the engine has, by the variables that name the originals."""
        known = self.type("docker image ls --format '{{.Repository}}:{{.Tag}}'").split()
        # Podman says of what it has made where that was.
        return {
            name: made
            for name, image in images().items()
            for made in (f"stand-in-{image}", f"localhost/stand-in-{image}")
            if made in known
        }

    def healthy(self) -> bool:
        """Whether everything runs as the guide says."""
        found: dict[tuple[str, str], int] = {}
        for container in self._containers():
            state = container["Health"] or f"{container['State']} {container['ExitCode']}"
            found[container["Service"], state] = found.get((container["Service"], state), 0) + 1
        return {state: count for state, count in found.items() if state[0] != _HOST} == _HEALTHY

    def said(self) -> str:
        """What all containers have said."""
        return self.type("docker compose ps --all; docker compose logs --tail 60 2>&1")

    def _containers(self) -> list[dict[str, Any]]:
        said = self.type("docker compose ps --all --format json")
        return [json.loads(line) for line in said.splitlines()]

    def _add_the_sandbox(self) -> None:
        trial = self.folder / "trial"
        trial.mkdir()
        (self.folder / "secrets").mkdir()
        shutil.copy(Path(__file__).parent / "serve.py", trial)
        self.type(
            f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={_HOST} -addext subjectAltName=DNS:{_HOST} "
            "-keyout trial/key.pem -out trial/certificate.pem"
        )
        (trial / "key.pem").chmod(0o644)
        service = {
            "image": SERVICES["worker"]["image"],
            "command": ["python", "/trial/serve.py", "/trial/certificate.pem", "/trial/key.pem"],
            "volumes": ["./trial:/trial:ro"],
            "init": True,
            "healthcheck": {"test": ["CMD", "python", "-c", _ASKS], "interval": "2s", "retries": 60},
        }
        (self.folder / "compose.override.yaml").write_text(yaml.safe_dump({"services": {_HOST: service}}))


def _only_what_is_needed(folder: str, names: list[str]) -> set[str]:
    """What a copy of the checkout leaves out."""
    if Path(folder) == ROOT:
        return set(names) - sent() - set(_NEEDED)
    return {"__pycache__"} & set(names)


@contextmanager
def installation(folder: Path) -> Iterator[Installation]:
    """One of which nothing is left afterwards but the image."""
    here = Installation(folder)
    try:
        yield here
    finally:
        # The file is read even by this command.
        (here.folder / ".env").touch()
        here.type("PREFECT_API_AUTH_STRING=none docker compose down --volumes --timeout 10")

"""`llm-usage completion`: what makes a shell complete commands and options."""

from __future__ import annotations

import argparse

import shtab

from cli.parser import commands_of, parser
from usage.names import ProviderName


def run(arguments: argparse.Namespace) -> int:
    """Print it; always 0."""
    root = parser()
    for command in commands_of(root).values():
        for action in command._actions:
            _say_what_fits(action)
    print(shtab.complete(root, shell=arguments.shell))
    return 0


def _say_what_fits(action: argparse.Action) -> None:
    """Names of providers and of files, which the parser itself does not hold against a list."""
    if action.dest == "provider":
        action.choices = [name.value for name in ProviderName]
    elif action.dest in ("env_file", "output", "alert_url_file"):
        action.complete = shtab.FILE  # type: ignore[attr-defined]  # where `shtab` looks for it

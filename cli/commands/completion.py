"""`llm-usage completion`: what makes a shell complete commands and options."""

from __future__ import annotations

import argparse

import shtab

from cli.parser import parser


def run(arguments: argparse.Namespace) -> int:
    """Print it; always 0."""
    print(shtab.complete(parser(), shell=arguments.shell))
    return 0

"""The five providers: one package each, with the same names inside."""

from __future__ import annotations

from importlib import import_module

from providers.base import Provider
from usage.names import ProviderName


def provider(name: ProviderName) -> Provider:
    """The provider of that name. Its package is imported when it is first asked for."""
    package = import_module(f"providers.{name.value}")
    found: Provider = getattr(package, name.label)()
    return found

"""OpenRouter: analytics by workspace, key and model, and the registries of workspaces and keys."""

from __future__ import annotations

from providers.openrouter.client import OpenRouter

__all__ = ["OpenRouter"]

"""Stand-in for the OpenRouter management API: analytics, activity, keys, workspaces, credits."""

from __future__ import annotations

from sandbox.openrouter.app import OpenRouterApi

__all__ = ["OpenRouterApi"]

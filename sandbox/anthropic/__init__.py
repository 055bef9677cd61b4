"""Stand-in of Anthropic's organisation endpoints: both generations of reports, workspaces, API keys."""

from __future__ import annotations

from sandbox.anthropic.app import AnthropicApi

__all__ = ["AnthropicApi"]

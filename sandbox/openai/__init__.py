"""Stand-in of OpenAI's organisation endpoints: usage, costs, projects."""

from __future__ import annotations

from sandbox.openai.app import OpenAIApi

__all__ = ["OpenAIApi"]

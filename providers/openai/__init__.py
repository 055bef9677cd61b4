"""OpenAI: organization costs, usage and projects."""

from providers.openai.client import OpenAI

__all__ = ["OpenAI"]

"""Anthropic: usage and cost reports of an organization, its workspaces and API keys."""

from providers.anthropic.client import Anthropic

__all__ = ["Anthropic"]

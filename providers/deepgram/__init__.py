"""Deepgram: projects, usage and billing breakdowns, keys."""

from __future__ import annotations

from providers.deepgram.client import Deepgram

__all__ = ["Deepgram"]

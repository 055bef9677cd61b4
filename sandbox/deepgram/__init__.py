"""Stand-in for the Deepgram management API: projects, keys, usage and billing breakdowns."""

from __future__ import annotations

from sandbox.deepgram.app import DeepgramApi

__all__ = ["DeepgramApi"]

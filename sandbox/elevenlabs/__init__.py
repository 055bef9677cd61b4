"""Stand-in for the ElevenLabs workspace API: usage analytics, subscription, service accounts."""

from __future__ import annotations

from sandbox.elevenlabs.app import ElevenLabsApi

__all__ = ["ElevenLabsApi"]

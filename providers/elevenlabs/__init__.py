"""ElevenLabs: workspace usage analytics, service accounts, and the older usage statistics as a last resort."""

from providers.elevenlabs.client import ElevenLabs

__all__ = ["ElevenLabs"]

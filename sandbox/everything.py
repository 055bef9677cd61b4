"""All stand-ins together: one small world with five providers, a Notion and a central bank."""

from __future__ import annotations

from sandbox.agency import anthropic, deepgram, elevenlabs, openai, openrouter
from sandbox.anthropic import AnthropicApi
from sandbox.deepgram import DeepgramApi
from sandbox.elevenlabs import ElevenLabsApi
from sandbox.notion import NotionApi
from sandbox.notion.screen.page import page
from sandbox.openai import OpenAIApi
from sandbox.openrouter import OpenRouterApi
from sandbox.server import Server
from sandbox.shared.ecb import EcbApi
from sandbox.shared.standin import Clock, now


class Sandbox(Server):
    """Serves all seven APIs while the `with` block runs; the same seed gives the same world.

    Args:
        clock: The stand-ins' clock.
        seed: Of the made-up facts.
        port: Port to listen on; 0 takes a free one.
        believable: Whether a believable agency works there, in place of organisations with awkward names and habits.
    """

    def __init__(self, clock: Clock = now, *, seed: int = 1, port: int = 0, believable: bool = False) -> None:
        if believable:
            self.openai = OpenAIApi(clock, seed, openai.accounts)
            self.anthropic = AnthropicApi(clock, seed, anthropic.accounts)
            self.elevenlabs = ElevenLabsApi(clock, seed, elevenlabs.accounts)
            self.deepgram = DeepgramApi(clock, seed, deepgram.accounts)
            self.openrouter = OpenRouterApi(clock, seed, openrouter.accounts)
        else:
            self.openai = OpenAIApi(clock, seed)
            self.anthropic = AnthropicApi(clock, seed)
            self.elevenlabs = ElevenLabsApi(clock, seed)
            self.deepgram = DeepgramApi(clock, seed)
            self.openrouter = OpenRouterApi(clock, seed)
        self.notion = NotionApi(clock)
        self.ecb = EcbApi(clock)
        self.providers = (self.openai, self.anthropic, self.elevenlabs, self.deepgram, self.openrouter)
        super().__init__((*self.providers, self.notion, self.ecb), port=port, front=page(self.notion.store.tables))

"""What the text of a cost line says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_TOKEN_KINDS: Final = re.compile(r"input|output|cache|audio|image|text|token|training", re.IGNORECASE)
_OUT: Final = re.compile(r"output", re.IGNORECASE)
_IN: Final = re.compile(r"input|cache", re.IGNORECASE)
_UNNAMED_LINE: Final = "(ligne sans intitulé)"


@dataclass(frozen=True, slots=True)
class LineItem:
    """What was billed: a model's tokens of a kind, or an item without a model."""

    model: str | None = None
    item: str | None = None
    is_input: bool = False
    is_output: bool = False


# A month repeats a few hundred of them in hundreds of thousands of lines.
@lru_cache(maxsize=4096)
def read_line_item(text: str | None) -> LineItem:
    """Read the text of a cost line, which is made for people and has no published grammar.

    Seen: `gpt-5.5, input`, `priority | gpt-5.6-sol, output, long context`, `assistants api | gpt-4o, input`,
    `gpt-audio-mini audio, input`, `gpt-realtime-2.1, audio input`, `web search tool calls`, `assistants api | file
    search`. What stands before the bar is a service tier or the surface that was used, never a model.
    """
    line = (text or "").strip()
    if not line:
        return LineItem(item=_UNNAMED_LINE)
    first, comma, kind = line.rpartition(" | ")[2].partition(", ")
    model, *modality = first.split() or [""]
    if not comma or not model or not _TOKEN_KINDS.search(kind) or not all(map(_TOKEN_KINDS.fullmatch, modality)):
        return LineItem(item=line)
    output = bool(_OUT.search(kind))
    return LineItem(model=model, is_output=output, is_input=not output and bool(_IN.search(kind)))

"""What is worked on: the steady streams of usage, each with the way it is billed."""

from __future__ import annotations

from dataclasses import replace

from sandbox.openai.streams import Models, Price, Stream, of, tokens

_FLAGSHIP: Models = (("2024-06", "gpt-4o-2024-08-06"), ("2026-04", "gpt-5.5-2026-04-23"), ("2026-09", "gpt-6-astra"))
_SMALL: Models = (("2024-06", "gpt-4o-mini-2024-07-18"), ("2026-06", "gpt-5.6-sol"))
_AUDIO: Models = (("2024-06", "gpt-4o-audio-preview"), ("2026-01", "gpt-audio-mini-2025-12-15"))
_REALTIME: Models = (("2024-06", "gpt-realtime"), ("2026-07", "gpt-realtime-2.1"))
_PICTURES: Models = (("2024-06", "gpt-image-1"), ("2026-08", "gpt-image-2.5-flare"))
_NO_MODEL: Models = ()

_FLAGSHIP_PRICES = tokens("2.50", "1.25", "10.00")
_SMALL_PRICES = tokens("0.15", "0.075", "0.60")
_BATCH_PRICES = tokens("0.0750000000000037", "0.0375", "0.30")
_PRIORITY_PRICES = tokens("4.25", "2.125", "17.00", line="priority | {model}, {kind}, long context")
_FREE = tokens("0", "0", "0")


def _only(model: str) -> Models:
    return (("2024-06", model),)


def _each(measure: str, mean: float) -> tuple[tuple[str, float], ...]:
    return ((measure, mean),)


def production(project: str, server: str, nightly: str, lost: str) -> list[Stream]:
    """A busy service: priority and batch traffic, web search, free moderation, and a key that has been deleted."""
    chat, search = of("completions", project, server), of("web_search_calls", project, server)
    batch = replace(of("completions", project, nightly), batch=True, service_tier="default")
    calls = ("num_requests", "num_model_requests")
    fee = (Price("web search tool calls", "num_requests", "0.01", model=False),)
    moderated = _each("input_tokens", 212)
    return [
        Stream(replace(chat, service_tier="default"), _FLAGSHIP, 900, _FLAGSHIP_PRICES),
        Stream(replace(chat, service_tier="priority"), _FLAGSHIP, 45, _PRIORITY_PRICES),
        Stream(batch, _SMALL, 2400, _BATCH_PRICES),
        Stream(of("completions", project, lost), _SMALL, 14, _SMALL_PRICES),
        Stream(replace(search, context_level="medium"), _FLAGSHIP, 31, fee, each=(), count=calls),
        Stream(of("moderations", project, server), _only("omni-moderation-latest"), 900, each=moderated),
    ]


def staging(project: str, key: str) -> list[Stream]:
    """The same model in two families: tokens of one come on top of tokens of the other."""
    return [
        Stream(of("completions", project, key), _FLAGSHIP, 30, _FLAGSHIP_PRICES),
        Stream(of("decisions", project, key), _FLAGSHIP, 11, _FLAGSHIP_PRICES),
    ]


def voice(project: str, key: str) -> list[Stream]:
    """Speech in and out, by the second, the character and the token."""
    heard = (Price("{model}, audio", "seconds", "0.0001", unit="duration_seconds"),)
    spoken = (Price("{model}, audio", "characters", "0.000015", unit="characters"),)
    audio = tokens("10.999999999", "2.7", "20.000000001", line="{model} audio, {kind}")
    live = tokens("32", "0.4", "64", line="{model}, audio {kind}")
    return [
        Stream(of("audio_transcriptions", project, key), _only("whisper-1"), 60, heard, each=_each("seconds", 97)),
        Stream(of("audio_speeches", project, key), _only("tts-1"), 25, spoken, each=_each("characters", 640)),
        Stream(of("completions", project, key), _AUDIO, 12, audio, spoken=True),
        Stream(of("completions", project, key), _REALTIME, 9, live, spoken=True),
    ]


def pictures(project: str, key: str) -> list[Stream]:
    """Images, a fine-tuned model, and embeddings whose model the bill spells differently from the usage."""
    drawn = (Price("{model} image, output", "images", "0.042", unit="images"),)
    ada = (Price("{model}, input_tokens", "input_tokens", "0.0001", 1000, "1000_tokens"),)
    image = replace(of("images", project, key), size="1024x1024", source="image.generation")
    read, text = of("embeddings", project, key), _each("input_tokens", 731)
    tuned = _only("ft:gpt-4o-mini-2024-07-18:memoways:devis:BxT9")
    return [
        Stream(image, _PICTURES, 7, drawn, each=(), count=("num_model_requests", "images")),
        Stream(of("completions", project, key), tuned, 20, tokens("0.3", "0.15", "1.2")),
        Stream(read, _only("text-embedding-ada-002-v2"), 55, each=text),
        Stream(read, _only("text-embedding-ada-002"), 55, ada, each=text, billed_only=True),
    ]


def storage(project: str, key: str) -> list[Stream]:
    """What goes on costing after a project has been archived: storage and tools, without a model."""
    kept = (Price("Vector storage", "usage_bytes", "0.1", 2**30, "gibibyte_hours", model=False),)
    run = (Price("code interpreter sessions", "num_sessions", "0.03", model=False),)
    looked_up = (Price("file search tool calls", "num_requests", "0.0025", model=False),)
    search = replace(of("file_search_calls", project, key), vector_store_id="vs_" + key[4:])
    return [
        Stream(of("vector_stores", project, None), _NO_MODEL, 1, kept, each=_each("usage_bytes", 3.1e9), count=()),
        Stream(of("code_interpreter_sessions", project, None), _NO_MODEL, 2, run, each=(), count=("num_sessions",)),
        Stream(search, _NO_MODEL, 18, looked_up, each=(), count=("num_requests",)),
    ]


def small(project: str, key: str, per_day: float) -> list[Stream]:
    """Conversations with a small model."""
    return [Stream(of("completions", project, key), _SMALL, per_day, _SMALL_PRICES)]


def flagship(project: str, key: str, per_day: float) -> list[Stream]:
    """Conversations with a large model."""
    return [Stream(of("completions", project, key), _FLAGSHIP, per_day, _FLAGSHIP_PRICES)]


def archive(project: str, key: str) -> list[Stream]:
    """Embeddings of a library."""
    price = (Price("{model}, input", "input_tokens", "0.13", 1_000_000, "tokens"),)
    model = _only("text-embedding-3-large")
    return [Stream(of("embeddings", project, key), model, 310, price, each=_each("input_tokens", 902))]


def playground(default_project: str) -> list[Stream]:
    """Work without a key: tokens of a free allowance, which are billed at 0, and some of no project at all."""
    agents = replace(of("completions", None, None), api_source="agents_api")
    return [
        Stream(of("completions", default_project, None), _SMALL, 6, _FREE),
        Stream(agents, _SMALL, 2),
    ]

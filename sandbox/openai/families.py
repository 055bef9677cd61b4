"""The usage endpoints: what each groups by, filters by and measures."""

from __future__ import annotations

from dataclasses import dataclass

_KEYED = ("project_id", "user_id", "api_key_id")
_MODELLED = (*_KEYED, "model")
SPLIT = (
    *("input_cached_tokens", "input_cache_write_tokens", "input_uncached_tokens"),
    *("input_text_tokens", "input_cached_text_tokens", "output_text_tokens"),
    *("input_audio_tokens", "input_cached_audio_tokens", "output_audio_tokens"),
    *("input_image_tokens", "input_cached_image_tokens", "output_image_tokens"),
)
"""Parts of the two totals; older rows lack them."""
_TOKENS = ("input_tokens", "output_tokens", *SPLIT, "num_model_requests")


@dataclass(frozen=True, slots=True)
class Family:
    """One endpoint that answers with buckets."""

    name: str
    """Last part of the path."""
    result: str
    """`object` of its results."""
    dimensions: tuple[str, ...]
    measures: tuple[str, ...]
    filters: tuple[tuple[str, str], ...]
    """Parameter and the dimension that it filters."""


def _family(
    name: str, dimensions: tuple[str, ...], *measures: str, result: str | None = None, more: tuple[str, ...] = ()
) -> Family:
    plain = [dimension for dimension in (*_MODELLED, *more) if dimension in dimensions]
    filters = tuple((dimension.removesuffix("_id") + ("_ids" if dimension.endswith("_id") else "s"), dimension)
                    for dimension in plain)  # fmt: skip
    return Family(name, f"organization.usage.{result or name}.result", dimensions, measures, filters)


_COMPLETIONS = (*_MODELLED, "batch", "service_tier", "api_source")

USAGE = (
    _family("completions", _COMPLETIONS, *_TOKENS),
    _family("decisions", _COMPLETIONS, *_TOKENS),
    _family("embeddings", _MODELLED, "input_tokens", "num_model_requests"),
    _family("moderations", _MODELLED, "input_tokens", "num_model_requests"),
    _family("images", (*_MODELLED, "size", "source"), "images", "num_model_requests", more=("size", "source")),
    _family("audio_speeches", _MODELLED, "characters", "num_model_requests"),
    _family("audio_transcriptions", _MODELLED, "seconds", "num_model_requests"),
    _family("vector_stores", ("project_id",), "usage_bytes"),
    _family("code_interpreter_sessions", ("project_id",), "num_sessions"),
    _family(
        "file_search_calls",
        (*_KEYED, "vector_store_id"),
        "num_requests",
        result="file_searches",
        more=("vector_store_id",),
    ),
    _family(
        "web_search_calls",
        (*_MODELLED, "context_level", "api_source"),
        "num_requests",
        "num_model_requests",
        result="web_searches",
        more=("context_level",),
    ),
)

COSTS = Family(
    "costs",
    "organization.costs.result",
    ("project_id", "line_item", "api_key_id", "user_id", "api_source"),
    (),
    (("project_ids", "project_id"), ("api_key_ids", "api_key_id"), ("line_items", "line_item")),
)

REQUESTS = frozenset(
    family.name for family in USAGE if "num_model_requests" in family.measures and family.name != "web_search_calls"
)
"""Families that count requests of their own; web search describes requests that completions count already."""

LIMITS = {"1d": (7, 31), "1h": (24, 168), "1m": (60, 1440)}
"""Buckets in a page by width: by default, at most."""
COST_LIMIT = (7, 180)

CHOICES = {
    "sources": ("image.generation", "image.edit", "image.variation"),
    "sizes": ("256x256", "512x512", "1024x1024", "1792x1792", "1024x1792"),
    "context_levels": ("low", "medium", "high"),
}
"""Filters that know only certain values."""

"""Rich text: spans with a style. Neighbours of equal style are merged, as Notion does on reading."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.notion.errors import Json, invalid, malformed, missing, one_of
from sandbox.notion.switches import Switches

_COLORS = ("default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red")
COLORS = frozenset(_COLORS)
_TEXT_COLORS = frozenset(_COLORS) | {f"{color}_background" for color in _COLORS}
_FLAGS = ("bold", "italic", "strikethrough", "underline", "code")


@dataclass(frozen=True, slots=True)
class Style:
    """How a span looks."""

    flags: frozenset[str] = frozenset()
    color: str = "default"
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text of one style; `kind` is `text` or `equation`."""

    content: str
    style: Style = field(default_factory=Style)
    kind: str = "text"


Text = tuple[Span, ...]


def text_of(content: str) -> Text:
    """Unstyled text."""
    return (Span(content),) if content else ()


def plain(text: Text) -> str:
    """The text without its style."""
    return "".join(span.content for span in text)


def length(content: str, switches: Switches) -> int:
    """Characters, counted as Notion is thought to count them."""
    if switches.utf16_lengths:
        return len(content.encode("utf-16-le", "surrogatepass")) // 2
    return len(content)


def read_text(value: Any, path: str, switches: Switches) -> Text:
    """Rich text from a request.

    Raises:
        Refusal: 400: not a list, more than 100 items, an item over 2,000 characters, an unknown kind of item.
    """
    if not isinstance(value, list):
        raise malformed(path, "an array", value)
    if len(value) > 100:
        raise invalid(f"body failed validation: body.{path}.length should be ≤ `100`, instead was `{len(value)}`.")
    return merge([_read_item(item, f"{path}[{index}]", switches) for index, item in enumerate(value)])


def merge(spans: list[Span]) -> Text:
    """Join neighbours of equal style and drop empty ones."""
    merged: list[Span] = []
    for span in spans:
        if not span.content:
            continue
        if merged and span.kind == merged[-1].kind == "text" and span.style == merged[-1].style:
            merged[-1] = replace(span, content=merged[-1].content + span.content)
        else:
            merged.append(span)
    return tuple(merged)


def show_text(text: Text) -> list[Json]:
    """Rich text for an answer."""
    return [_show_span(span) for span in text]


def check_length(content: str, path: str, switches: Switches, most: int = 2000, least: int = 0) -> None:
    """Refuse a text that is too long or too short.

    Raises:
        Refusal: 400 naming the path, the bound and the length.
    """
    size = length(content, switches)
    if size > most:
        raise invalid(f"body failed validation: body.{path}.length should be ≤ `{most}`, instead was `{size}`.")
    if size < least:
        raise invalid(f"body failed validation: body.{path}.length should be ≥ `{least}`, instead was `{size}`.")


def _read_item(item: Any, path: str, switches: Switches) -> Span:
    if not isinstance(item, dict):
        raise malformed(path, "an object", item)
    kind = item.get("type") or next((known for known in ("text", "equation") if known in item), "text")
    if kind not in ("text", "equation"):
        # Mentions are left out on purpose: nothing here would resolve them.
        raise malformed(f"{path}.type", '`"text"` or `"equation"`', kind)
    body = item.get(kind)
    if not isinstance(body, dict):
        raise missing(f"{path}.{kind}") if body is None else malformed(f"{path}.{kind}", "an object", body)
    field_name = "content" if kind == "text" else "expression"
    content = body.get(field_name)
    if not isinstance(content, str):
        raise malformed(f"{path}.{kind}.{field_name}", "a string", content)
    check_length(content, f"{path}.{kind}.{field_name}", switches, 2000 if kind == "text" else 1000)
    link = body.get("link") if kind == "text" else None
    return Span(content, _read_style(item.get("annotations"), link, path, switches), kind)


def _read_style(annotations: Any, link: Any, path: str, switches: Switches) -> Style:
    url: str | None = None
    if link is not None:
        if not isinstance(link, dict) or not isinstance(link.get("url"), str):
            raise malformed(f"{path}.text.link", "an object with a url", link)
        url = link["url"]
        check_length(link["url"], f"{path}.text.link.url", switches)
    if annotations is None:
        return Style(link=url)
    if not isinstance(annotations, dict):
        raise malformed(f"{path}.annotations", "an object", annotations)
    for flag in _FLAGS:
        if not isinstance(annotations.get(flag, False), bool):
            raise malformed(f"{path}.annotations.{flag}", "a boolean", annotations[flag])
    color = one_of(annotations.get("color", "default"), _TEXT_COLORS, f"{path}.annotations.color", "a known color")
    return Style(frozenset(flag for flag in _FLAGS if annotations.get(flag)), color, url)


def _show_span(span: Span) -> Json:
    link = {"url": span.style.link} if span.style.link is not None else None
    body: Json = {"content": span.content, "link": link} if span.kind == "text" else {"expression": span.content}
    return {
        "type": span.kind,
        span.kind: body,
        "annotations": {**{flag: flag in span.style.flags for flag in _FLAGS}, "color": span.style.color},
        "plain_text": span.content,
        "href": span.style.link,
    }

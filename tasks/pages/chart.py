"""A chart of cost by service and month, as a picture that Prefect's pages show: an SVG in a data address."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import ceil
from typing import Final

from usage.language.words import Words
from usage.money import exact_sum
from usage.month import Month
from usage.names import ProviderName

Costs = Mapping[Month, Mapping[ProviderName, Decimal]]
"""US dollars by month and service. What isn't known is left out."""

_WIDTH: Final = 760
_HEIGHT: Final = 320
_LEFT: Final = 16
_TOP: Final = 56
_BOTTOM: Final = 36
_LABEL: Final = 56
"""Room that a month or an amount takes."""


def chart(costs: Costs, months: Sequence[Month], words: Words) -> str:
    """An SVG of stacked columns, one for each month, its total above it. Holds figures and our own words alone."""
    highest = max((_height(costs.get(month, {})) for month in months), default=0.0) or 1.0
    slot = (_WIDTH - 2 * _LEFT) / max(len(months), 1)
    # Of many months only some are named, the last one always.
    every = ceil(_LABEL / slot)
    parts = [_legend()]
    for index, month in enumerate(months):
        middle = _LEFT + slot * (index + 0.5)
        named = (len(months) - 1 - index) % every == 0
        if named:
            parts.append(_text(middle, _HEIGHT - 14, str(month), anchor="middle"))
        if month in costs:
            parts += _column(costs[month], middle, min(slot * 0.62, 64), highest, words)
        if month in costs and named:
            above = _HEIGHT - _BOTTOM - _tall(_height(costs[month]), highest) - 6
            total = exact_sum(costs[month].values()) or Decimal(0)
            parts.append(_text(middle, above, words.amount(total), anchor="middle"))
    base = _HEIGHT - _BOTTOM
    parts.append(f'<path d="M{_LEFT} {base}H{_WIDTH - _LEFT}" stroke="#666"/>')
    # Prefect's pages may be dark: the picture brings its own paper.
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" font-family="sans-serif" font-size="11">'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>'
    )


def as_address(svg: str) -> str:
    """The picture as an address for Markdown; Prefect's pages drop SVG that stands in the text itself."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _column(
    costs: Mapping[ProviderName, Decimal], middle: float, width: float, highest: float, words: Words
) -> list[str]:
    parts, foot = [], float(_HEIGHT - _BOTTOM)
    for provider in ProviderName:
        # A credit larger than the cost has no height; the total above the column counts it.
        tall = _tall(max(0.0, float(costs.get(provider, Decimal(0)))), highest)
        foot -= tall
        if tall > 0:
            title = f"{provider.label} {words.amount(costs[provider])} USD"
            parts.append(
                f'<rect x="{middle - width / 2:.1f}" y="{foot:.1f}" width="{width:.1f}" height="{tall:.1f}" '
                f'fill="{provider.spec.colour}"><title>{title}</title></rect>'
            )
    return parts


def _height(costs: Mapping[ProviderName, Decimal]) -> float:
    """What a column stacks up to, USD: more than the total where a service has a credit."""
    return sum(max(0.0, float(cost)) for cost in costs.values())


def _tall(amount: float, highest: float) -> float:
    return amount / highest * (_HEIGHT - _TOP - _BOTTOM)


def _legend() -> str:
    parts = [_text(_LEFT, 16, "USD")]
    for index, provider in enumerate(ProviderName):
        left = _LEFT + 48 + index * 120
        parts.append(f'<rect x="{left}" y="6" width="12" height="12" fill="{provider.spec.colour}"/>')
        parts.append(_text(left + 18, 16, provider.label))
    return "".join(parts)


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#222">{text}</text>'

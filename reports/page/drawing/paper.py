"""What all charts share: their size, their colours, and how a drawing becomes SVG or PNG.

On the page a chart takes its colours from the page's style sheet, so that it is dark where the page is: it is drawn in
colours that stand for others, and each is replaced by the name of the page's. Charts hold figures and our own words
alone. The same figures give the same bytes.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from usage.names import ProviderName

_SVG: Final = "{http://www.w3.org/2000/svg}"
_LINK: Final = "{http://www.w3.org/1999/xlink}href"
_DOTS: Final = 72
"""Points an inch: a point of the drawing is a pixel of the page."""
_SHARPNESS: Final = 2
"""Pixels of a PNG for each of its points."""
_LEGEND: Final = 30
"""Height of the line of providers, in pixels of the page."""


@dataclass(frozen=True, slots=True)
class Colours:
    """Colours of a drawing."""

    ink: str = "#1a1d23"
    muted: str = "#5b6270"
    line: str = "#e3e6ea"
    paper: str = "#ffffff"
    accent: str = "#2f5bd0"


@dataclass(frozen=True, slots=True)
class Size:
    """Of a drawing, in pixels of the page."""

    width: int
    height: int
    is_narrow: bool = False

    @property
    def text(self) -> int:
        """Height of its letters."""
        return 12


LIGHT: Final = Colours()
_STAND_INS: Final = Colours("#010101", "#020202", "#030303", "#040404", "#050505")
"""Colours that nothing else has, for the names of the page's style sheet."""
_NAMES: Final = {
    "#010101": "var(--ink)",
    "#020202": "var(--muted)",
    "#030303": "var(--line)",
    "#040404": "var(--paper)",
    "#050505": "var(--accent)",
    **{name.spec.colour: f"var(--{name.value})" for name in ProviderName},
}

Draw = Callable[[Axes, Size, Colours], None]


def as_svg(draw: Draw, size: Size, name: str) -> str:
    """A drawing as an element for the page, hidden from readers that can't see: its table tells the same.

    Args:
        draw: Draws it.
        size: How large.
        name: Another one for each drawing of a page: names in it are made of it.
    """
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.size": size.text}):
        figure = _drawn(draw, size, _STAND_INS)
        file = io.StringIO()
        FigureCanvasSVG(figure)
        figure.savefig(file, format="svg", dpi=_DOTS, metadata={"Date": None, "Creator": None})
    # Written a moment ago, by ourselves.
    root = ET.fromstring(file.getvalue())  # noqa: S314
    _clean(root, size)
    ET.register_namespace("", _SVG.strip("{}"))
    ET.register_namespace("xlink", _LINK.partition("}")[0].strip("{"))
    text = ET.tostring(root, encoding="unicode")
    return re.sub(r"#[0-9a-f]{6}\b", lambda found: _NAMES.get(found[0], found[0]), text)


def as_png(draw: Draw, size: Size, legend: Sequence[ProviderName]) -> bytes:
    """A drawing as a picture on white paper, for pages of others; above it whose colour is whose."""
    with rc_context({"font.size": size.text}):
        figure = _drawn(draw, size, LIGHT)
        figure.set_facecolor(LIGHT.paper)
        if legend:
            _add_legend(figure, size, legend)
        file = io.BytesIO()
        FigureCanvasAgg(figure)
        # As small as by default, in a quarter of the time.
        quick = {"compress_level": 4}
        figure.savefig(file, format="png", dpi=_DOTS * _SHARPNESS, metadata={"Software": None}, pil_kwargs=quick)
    return file.getvalue()


def _add_legend(figure: Figure, size: Size, legend: Sequence[ProviderName]) -> None:
    """Make a drawing higher by one line, in which the providers stand."""
    height = size.height + _LEGEND
    for axes in figure.axes:
        left, bottom, width, tall = axes.get_position().bounds
        axes.set_position((left, bottom * size.height / height, width, tall * size.height / height))
    figure.set_size_inches(size.width / _DOTS, height / _DOTS)
    marks = [Patch(color=one.spec.colour, label=one.label) for one in legend]
    look: dict[str, float] = {"handlelength": 0.9, "handleheight": 0.9, "columnspacing": 1.6, "borderaxespad": 0.3}
    figure.legend(handles=marks, loc="upper left", ncols=len(marks), frameon=False, labelcolor=LIGHT.muted, **look)


def _drawn(draw: Draw, size: Size, colours: Colours) -> Figure:
    figure = Figure(figsize=(size.width / _DOTS, size.height / _DOTS), dpi=_DOTS)
    figure.patch.set_alpha(0)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.patch.set_alpha(0)
    draw(axes, size, colours)
    return figure


def frame(
    axes: Axes, size: Size, colours: Colours, *, left: int, top: int = 8, bottom: int = 24, right: int = 2
) -> None:
    """Give a drawing its margins, in pixels, and take away all lines but those of its amounts."""
    axes.set_position(
        (
            left / size.width,
            bottom / size.height,
            (size.width - left - right) / size.width,
            (size.height - top - bottom) / size.height,
        )
    )
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0, colors=colours.muted, labelsize=size.text, pad=6)
    axes.grid(axis="y", color=colours.line, linewidth=1)
    axes.set_axisbelow(True)


def stacks(
    axes: Axes, places: Sequence[float], width: float, columns: Sequence[Mapping[ProviderName, Decimal]], paper: str
) -> None:
    """Columns of providers, each at its place; credits hang below the line."""
    above, below = [0.0] * len(columns), [0.0] * len(columns)
    # A provider's parts as one: a bar for each would take most of the time of a drawing.
    for provider in ProviderName:
        parts: list[list[tuple[float, float]]] = []
        for at, (place, costs) in enumerate(zip(places, columns, strict=True)):
            amount = float(costs.get(provider, 0))
            if not amount:
                continue
            ends = above if amount > 0 else below
            foot, ends[at] = ends[at], ends[at] + amount
            left, right = place - width / 2, place + width / 2
            parts.append([(left, foot), (left, ends[at]), (right, ends[at]), (right, foot)])
        axes.add_collection(PolyCollection(parts, facecolor=provider.spec.colour, edgecolor=paper, linewidth=0.75))


def amounts_axis(axes: Axes, lowest: float, highest: float, label: Callable[[float], str]) -> None:
    """Three or four lines of round amounts from the lowest to the highest."""
    top = highest if highest > 0 else 1.0
    step = _round_step((top - min(lowest, 0.0)) / 3)
    first, last = int(min(lowest, 0.0) // step), -int(-top // step)
    ticks = [step * number for number in range(first, last + 1)]
    axes.set_ylim(ticks[0], ticks[-1] * 1.0 if ticks[-1] else 1.0)
    axes.set_yticks(ticks, [label(tick) for tick in ticks])


def _round_step(size: float) -> float:
    power = 10.0 ** (len(f"{int(size)}") - 1) if size >= 1 else 1.0
    while size < power:
        power /= 10
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= size)


def _in_parts(style: str) -> str:
    """A style whose font is told in parts: `font: bold 12px 'DejaVu Sans', …`."""
    return re.sub(
        r"font: (bold|700)? ?(\d+)px [^;]*", lambda f: f"font-size: {f[2]}px" + "; font-weight: 600" * bool(f[1]), style
    )


def _clean(root: ET.Element, size: Size) -> None:
    """Take away what a page has no use for: sizes in points, descriptions, ids that nothing refers to, fonts."""
    used = {one[1:] for element in root.iter() if (one := element.get(_LINK)) is not None}
    used |= {
        found for element in root.iter() for found in re.findall(r"url\(#([^)]+)\)", " ".join(element.attrib.values()))
    }
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}style"):
                parent.remove(child)
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)
        style = element.get("style")
        if style is not None:
            # The page's own font.
            element.set("style", re.sub(r"(font-family: [^;]*(; )?)", "", _in_parts(style)))
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("viewBox", f"0 0 {size.width} {size.height}")
    root.set("aria-hidden", "true")
    root.set("focusable", "false")

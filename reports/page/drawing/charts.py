"""The charts of the page: each a function of figures, drawn wide for a screen and paper, narrow for a phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Final

from matplotlib.axes import Axes

from reports.page.drawing.paper import Colours, Draw, Size, amounts_axis, as_png, as_svg, frame, stacks
from reports.page.figures.calendar import DayCost, MonthCost
from reports.page.figures.pictures import Picture
from reports.page.figures.report import Report
from usage.language.words import Words
from usage.money import exact_sum
from usage.names import ProviderName

WIDE: Final = Size(960, 260)
NARROW: Final = Size(328, 220, is_narrow=True)
_STRIP: Final = Size(960, 12)
_LETTER: Final = 6.6
"""Pixels of a letter of the text beside a chart, at most."""
_TOTAL_SPANS: Final = {True: 4, False: 2}
"""Columns over which the last one's total is written, by whether the chart is narrow."""


def svgs(report: Report, picture: Picture, words: Words) -> tuple[str, ...]:
    """A chart for wide pages and for narrow ones; nothing where there is nothing to draw."""
    draw = _drawing(report, picture, words)
    if draw is None:
        return ()
    if picture is Picture.PROVIDERS:
        return (as_svg(draw, _STRIP, picture.value),)
    return tuple(as_svg(draw, size, f"{picture.value}-{size.width}") for size in (WIDE, NARROW))


def png(report: Report, picture: Picture, words: Words, legend: Sequence[ProviderName] = ()) -> bytes | None:
    """A chart as a picture, with the providers that it tells of above it; None where there is nothing to draw."""
    draw = _drawing(report, picture, words)
    if draw is None:
        return None
    return as_png(draw, _STRIP if picture is Picture.PROVIDERS else WIDE, legend)


def _drawing(report: Report, picture: Picture, words: Words) -> Draw | None:
    match picture:
        case Picture.PROVIDERS:
            costs = {one.provider: one.cost for one in report.providers.lines if one.provider and one.cost}
            positive = {provider: cost for provider, cost in costs.items() if cost > 0}
            return _strip(positive) if positive else None
        case Picture.MONTHS:
            return _months(report.months, words) if any(one.total for one in report.months) else None
        case Picture.DAYS:
            return _days(report.days.days, report, words) if any(one.total for one in report.days.days) else None
        case Picture.OUTLOOK:
            return _outlook(report, words)


def _strip(costs: Mapping[ProviderName, Decimal]) -> Draw:
    """One line that is cut as the cost is."""

    def draw(axes: Axes, _: Size, colours: Colours) -> None:
        whole, left = float(exact_sum(costs.values()) or 1), 0.0
        for provider in ProviderName:
            part = float(costs.get(provider, 0)) / whole
            axes.barh(0, part, 1, left, color=provider.spec.colour, edgecolor=colours.paper, linewidth=1)
            left += part
        axes.set_xlim(0, 1)
        axes.set_ylim(-0.5, 0.5)
        axes.set_axis_off()

    return draw


def _months(months: tuple[MonthCost, ...], words: Words) -> Draw:
    def draw(axes: Axes, size: Size, colours: Colours) -> None:
        highest, lowest = _bounds([one.costs for one in months])
        frame(axes, size, colours, left=_margin(highest, words), top=24, bottom=40)
        stacks(axes, range(len(months)), 0.62, [one.costs for one in months], colours.paper)
        amounts_axis(axes, lowest, highest, lambda amount: words.round_dollars(_round(amount)))
        named = _named(months, 6 if size.is_narrow else 12)
        axes.set_xticks(named, [words.short_month(months[place].month) for place in named])
        for place, label in zip(named, axes.get_xticklabels(), strict=True):
            if place == named[0] or months[place].month.start.month == 1:
                _below(axes, place, str(months[place].month.start.year), colours)
            if place == len(months) - 1:
                label.set_color(colours.ink)
                label.set_fontweight("bold")
        near = _bounds([one.costs for one in months[-_TOTAL_SPANS[size.is_narrow] :]])[0]
        if near <= _bounds([months[-1].costs])[0]:
            # Written over higher columns, it would be read as theirs.
            _total_above(axes, months[-1], len(months) - 1, words.dollars(months[-1].total), colours)
        axes.set_xlim(-0.6, len(months) - 0.4)

    return draw


def _named(months: tuple[MonthCost, ...], most: int) -> list[int]:
    """Places of the months that are named: all, or as many as have room, the last one always."""
    every = -(-len(months) // most)
    return [place for place in range(len(months)) if (len(months) - 1 - place) % every == 0]


def _below(axes: Axes, place: float, text: str, colours: Colours) -> None:
    """A second line below the name of a month."""
    foot = (place, axes.get_ylim()[0])
    axes.annotate(
        text, foot, (0, -36), textcoords="offset points", ha="center", color=colours.muted, annotation_clip=False
    )


def _total_above(axes: Axes, one: MonthCost, place: float, text: str, colours: Colours) -> None:
    """The total of one column, above it."""
    above = (place + 0.31, sum(float(cost) for cost in one.costs.values() if cost > 0))
    axes.annotate(
        text,
        above,
        (0, 5),
        textcoords="offset points",
        annotation_clip=False,
        ha="right",
        va="bottom",
        color=colours.ink,
        fontweight="bold",
    )


def _days(days: tuple[DayCost, ...], report: Report, words: Words) -> Draw:
    def draw(axes: Axes, size: Size, colours: Colours) -> None:
        highest, lowest = _bounds([one.costs for one in days])
        frame(axes, size, colours, left=_margin(highest, words))
        stacks(axes, [one.day.day for one in days], 0.72, [one.costs for one in days], colours.paper)
        amounts_axis(axes, lowest, highest, lambda amount: words.round_dollars(_round(amount)))
        _day_ticks(axes, report)

    return draw


def _day_ticks(axes: Axes, report: Report) -> None:
    last = report.month.month.last_day.day
    ticks = [1, 5, 10, 15, 20, 25, last]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xlim(0.4, last + 0.6)


def _outlook(report: Report, words: Words) -> Draw | None:
    """What was spent day after day, the budget as a line, and where it goes."""
    outlook = report.outlook
    days = [one for one in report.days.days if one.total is not None]
    if outlook is None or not days or report.days.undated is not None:
        return None

    def draw(axes: Axes, size: Size, colours: Colours) -> None:
        first, last = report.month.month.first_day, report.month.month.last_day
        sums = list(accumulate((float(one.total or 0) for one in days), initial=0.0))
        places = [0, *((one.day - first + timedelta(days=1)).days for one in days)]
        axes.fill_between(places, sums, color=colours.accent, alpha=0.12, linewidth=0)
        axes.plot(places, sums, color=colours.accent, linewidth=2, solid_capstyle="round")
        highest = [sums[-1], *([float(outlook.budget)] if outlook.budget is not None else [])]
        if outlook.forecast is not None:
            highest.append(float(outlook.forecast.high))
        frame(axes, size, colours, left=_margin(max(highest), words), top=24)
        if outlook.forecast is not None and places[-1] < last.day:
            low, high = float(outlook.forecast.low), float(outlook.forecast.high)
            ends = [places[-1], last.day]
            axes.fill_between(ends, [sums[-1], low], [sums[-1], high], color=colours.accent, alpha=0.12, linewidth=0)
            ahead = [(day.day, float(cost)) for day, cost in outlook.forecast.reached if day.day > places[-1]]
            way = [(places[-1], sums[-1]), *ahead]
            axes.plot(*zip(*way, strict=True), color=colours.accent, linewidth=2, linestyle=(0, (3, 3)))
        if outlook.budget is not None:
            budget = float(outlook.budget)
            axes.axhline(budget, color=colours.ink, linewidth=1.25, linestyle=(0, (6, 3)))
            axes.annotate(
                words("Budget {amount}", amount=words.dollars(outlook.budget)),
                (0.4, budget),
                (0, 5),
                textcoords="offset points",
                color=colours.ink,
                fontsize=size.text,
            )
        amounts_axis(axes, 0.0, max(highest), lambda amount: words.round_dollars(_round(amount)))
        _day_ticks(axes, report)
        axes.set_xlim(0, last.day + 0.3)

    return draw


def _margin(highest: float, words: Words) -> int:
    """Room for amounts beside a chart, in pixels."""
    # The axis goes up to a rounder amount, of as many digits or one more.
    longest = max((words.round_dollars(_round(float(f"{amount:.1g}"))) for amount in (highest, highest * 1.5)), key=len)
    return max(round(len(longest) * _LETTER) + 8, 52)


def _bounds(columns: list[Mapping[ProviderName, Decimal]]) -> tuple[float, float]:
    """Highest and lowest point of some columns."""
    above = [sum(float(cost) for cost in one.values() if cost > 0) for one in columns]
    below = [sum(float(cost) for cost in one.values() if cost < 0) for one in columns]
    return max(above, default=0.0), min(below, default=0.0)


def _round(amount: float) -> Decimal:
    """A round amount of an axis, which came from a float."""
    return Decimal(repr(round(amount, 12)))

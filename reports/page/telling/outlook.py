"""Budgets, forecast and surprises in words."""

from __future__ import annotations

from decimal import Decimal

from reports.page.figures.outlook import Budget, Outlook
from reports.page.figures.pictures import Picture
from reports.page.telling.amounts import Amounts
from reports.page.telling.document import Cell, Column, Section, Table
from usage.language.words import Words


def outlook_section(outlook: Outlook | None, words: Words, amounts: Amounts) -> Section | None:
    """The section of the page; nothing where nothing is planned."""
    if outlook is None:
        return None
    sentences = [*outlook.surprises, *outlook.notes]
    if outlook.forecast is not None:
        forecast = outlook.forecast
        told = words(
            "Expected at the month’s end: {likely}, between {low} and {high}. {method}",
            likely=amounts.told(forecast.likely),
            low=amounts.told(forecast.low),
            high=amounts.told(forecast.high),
            method=forecast.method,
        )
        sentences.insert(0, told)
    drawn = outlook.forecast is not None or outlook.total is not None
    table = None
    if outlook.budgets:
        table = Table(
            caption=words("Budgets"),
            columns=(
                Column(words("Budget"), is_figure=False),
                Column(words("Passed on"), is_figure=False, is_minor=True),
                Column(words("Spent"), is_minor=True),
                Column(words("Used")),
                Column(words("Expected")),
                Column(words("Budget, US$")),
            ),
            rows=tuple(_budget(one, words, amounts) for one in outlook.budgets),
        )
    return Section(
        key="outlook",
        heading=words("Budget and forecast"),
        sentences=tuple(sentences),
        picture=Picture.OUTLOOK if drawn else None,
        table=table,
    )


def _budget(one: Budget, words: Words, amounts: Amounts) -> tuple[Cell, ...]:
    used = one.spent / one.amount if one.spent is not None and one.amount else None
    bar = None if used is None else min(max(used, Decimal(0)), Decimal(1))
    return (
        Cell(one.name, is_name=True, share=bar),
        Cell(words.day(one.passes_on) if one.passes_on else words("not passed")),
        Cell(amounts.cell(one.spent)),
        Cell(words.percent(used)),
        Cell(amounts.cell(one.expected)),
        Cell(amounts.cell(one.amount), is_strong=True),
    )

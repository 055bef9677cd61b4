"""The page: one HTML file that asks nobody for anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports.page.drawing.charts import svgs
from reports.page.figures.pictures import Picture
from reports.page.figures.report import Report
from reports.page.telling.document import Document
from usage.language.words import Words
from usage.names import ProviderName

_TURNS: Final = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Characters that turn the direction of what follows; names stand in elements that keep theirs to themselves."""


def as_html(report: Report, document: Document, words: Words) -> str:
    """The page of a month.

    Args:
        report: Its figures, for the charts.
        document: The telling.
        words: The language of both.
    """
    environment = Environment(
        loader=PackageLoader("reports.page.telling"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    environment.filters["printable"] = _printable
    environment.filters["anchor"] = _anchor
    return environment.get_template("page.html.jinja").render(
        document=document,
        charts=dict(_charts(report, document, words)),
        colours={name.value: name.spec.colour for name in ProviderName},
        words=words,
    )


def _charts(report: Report, document: Document, words: Words) -> Iterator[tuple[Picture, Mapping[str, Markup]]]:
    for section in document.sections:
        if section.picture is not None:
            # Drawn by ourselves, from figures and our own words: nothing in it is anybody else's.
            drawn = [Markup(svg) for svg in svgs(report, section.picture, words)]  # noqa: S704
            yield section.picture, dict(zip(("wide", "narrow") if len(drawn) > 1 else ("any",), drawn, strict=False))


def _percent(share: Decimal) -> str:
    """A length in a style sheet."""
    return f"{float(share):.2%}"


def _printable(text: str) -> str:
    """Other people's text without what an HTML page can't hold."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", "", text.translate(_TURNS))


def _anchor(key: str) -> str:
    """An id: letters, digits and `-` of a key, which may be other people's text."""
    return re.sub(r"[^\w-]+", "-", key)

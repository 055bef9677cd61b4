"""Charts, drawn ahead: as SVG for the page, as PNG for pages that others show."""

from reports.page.drawing.library import prepare

# The modules here import matplotlib, which looks for its folder then.
prepare()

"""Charts, drawn ahead: as SVG for the page, as PNG for pages that others show."""

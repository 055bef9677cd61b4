"""A request until its handler sees it."""

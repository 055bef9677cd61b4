"""Notion: the two databases, found or created, and what is written to them."""

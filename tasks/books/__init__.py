"""Months for the reports, gathered from Notion and the archive."""

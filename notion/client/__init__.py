"""Notion's API: connection, pace, answers as typed objects."""

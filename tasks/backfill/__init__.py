"""A backfill: its months, and their runs."""

"""Commands that say what the figures mean."""

"""Mending rows that older collectors and people left."""

"""Databases, data sources and their schema."""

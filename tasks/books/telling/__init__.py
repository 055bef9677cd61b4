"""Telling people: the digest and alerts, by whatever channel they want, once."""

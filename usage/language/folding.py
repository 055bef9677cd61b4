"""Names as people mean them, whatever their accents, case and spaces."""

from __future__ import annotations

import unicodedata


def folded(name: str) -> str:
    """A name without accents, case and needless spaces, for comparing."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    return " ".join(plain.casefold().split())

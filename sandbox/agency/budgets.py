"""What the agency means to spend in a month."""

from __future__ import annotations

from typing import Final

BUDGETS: Final = """\
total = 2200

[provider]
openai = 500

[column.Client]
"Ville de Clairval" = 1300
"Horizon SA" = 600
"""
"""`budgets.toml`: US dollars a month."""

"""A stand-in of Notion: pages, databases, data sources, queries, blocks, search, users, uploads and views, in memory.

It knows the API versions 2025-09-03 and 2026-03-11. Left out, and answered as an unknown path: comments, markdown,
moving pages, custom emojis, asynchronous tasks, OAuth.
"""

from __future__ import annotations

from sandbox.notion.app import NotionApi
from sandbox.notion.screen.tables import Table
from sandbox.notion.store import Database, Row, Store
from sandbox.notion.switches import RollupOverFormula, Switches

__all__ = ["Database", "NotionApi", "RollupOverFormula", "Row", "Store", "Switches", "Table"]

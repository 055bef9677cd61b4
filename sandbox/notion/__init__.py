"""A stand-in of Notion: pages, databases, data sources, queries, blocks, search, uploads and views, in memory.

It knows the API versions 2025-09-03 and 2026-03-11. What nothing here asks for is left out and answered as an unknown
path: comments, markdown, moving pages, single properties, templates, lists of users, asynchronous tasks, OAuth.
"""

from __future__ import annotations

from sandbox.notion.app import NotionApi
from sandbox.notion.screen.tables import Table
from sandbox.notion.store import Database, Row, Store
from sandbox.notion.switches import RollupOverFormula, Switches

__all__ = ["Database", "NotionApi", "RollupOverFormula", "Row", "Store", "Switches", "Table"]

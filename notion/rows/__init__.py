"""Rows of *Usages*: our values, people's notes, attached files, receipts."""

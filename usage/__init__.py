"""The core: months, usage records, exact money, the table. No network, no Prefect, no Notion."""

"""What people type: the `llm-usage` command."""

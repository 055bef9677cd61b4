"""A Prefect server of the command's own, and how it ends."""

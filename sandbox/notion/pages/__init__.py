"""Pages, their values, blocks and files."""

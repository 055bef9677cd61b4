"""Finding pages: queries, search and views."""

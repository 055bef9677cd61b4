"""What months mean to people: comparisons, pages, digests, exports. Reads records and rows, never the network."""

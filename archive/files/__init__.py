"""What the archive's files look like: records by day as Parquet, answers as JSON lines."""

"""Months as files for other programs: our own records (CSV, Parquet, Excel) and FinOps FOCUS."""

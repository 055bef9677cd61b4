"""Usage records, and the sums and tables that they become."""

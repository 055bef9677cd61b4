"""Creating and checking the databases."""

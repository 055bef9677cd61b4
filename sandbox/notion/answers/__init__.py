"""What is stored, as answers show it."""

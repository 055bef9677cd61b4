"""What a run's page shows."""

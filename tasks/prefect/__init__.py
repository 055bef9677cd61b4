"""What Prefect needs of the tasks, and they of Prefect."""

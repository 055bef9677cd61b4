"""Prefect tasks: thin, one verb each. What they do can be tested without Prefect."""

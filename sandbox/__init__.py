"""Local stand-ins of the five provider APIs and of Notion, for the demo and the tests.

They know nothing of the clients: nothing here imports `providers` or `notion`, so that a misreading of an API is not
made twice. They refuse what the real services refuse, page as they page, and fail on request (`sandbox.faults`).
"""

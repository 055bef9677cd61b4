"""The machine that the program runs on: its network, the user's files, memory."""

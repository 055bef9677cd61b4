"""What other programs send, read within bounds."""

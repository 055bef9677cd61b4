"""What lies beside the readings: exchange rates, and what is to be done only once."""

"""What the five stand-ins have in common: a request at the door, its parameters, facts by month, the answer."""

"""What people are told, in French and in English: one catalogue of sentences; how amounts and dates are written."""

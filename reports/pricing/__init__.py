"""What tokens should have cost by public prices, beside what was billed: an estimate, and never a cost."""

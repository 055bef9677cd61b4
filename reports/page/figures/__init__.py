"""What the page of a month shows, as plain figures: made from the ledger, without words."""

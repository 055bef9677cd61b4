"""Where a month is going: budgets, the forecast of its end, and what leaves its own range."""

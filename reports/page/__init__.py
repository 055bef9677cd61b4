"""The page of a month: what is shown, how it is drawn, how it is told."""

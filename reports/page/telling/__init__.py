"""The figures in words: one telling, written as HTML, as Markdown, or as blocks by whoever shows it."""

"""A believable agency: the same clients' projects at all five providers, and what people note about them in Notion."""

"""The workspace as a person sees it."""

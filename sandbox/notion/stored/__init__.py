"""What a workspace holds, and how it is kept."""

"""The two databases: as they are declared, found in a workspace, and checked."""

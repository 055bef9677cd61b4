"""The collector's own memory: what every reading of a source brought, kept in a folder or an object store."""

import os

# Read when Arrow is first imported. Its other allocators keep what they once had: 30 MiB that nothing here needs again.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

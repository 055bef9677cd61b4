"""The collector's own memory: what every reading of a source brought, kept in a folder or an object store."""

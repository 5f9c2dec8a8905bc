"""The use cases: each decides, acts and records."""

"""Hash trees: length-prefixed tuples, RFC 6962 trees, the path tree."""

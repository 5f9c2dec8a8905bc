"""Card payments and their refunds."""

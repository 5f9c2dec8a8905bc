"""How domain values leave the process."""

"""Ground floor: frozen values, errors and protocols. Imports nothing of ours."""

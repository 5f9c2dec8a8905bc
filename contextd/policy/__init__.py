"""The policy bundle: loading, validation, tiers and the permit function."""

"""Counts, dwell and heat, without identities."""

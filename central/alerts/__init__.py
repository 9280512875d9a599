"""Arrival cards for consultants."""

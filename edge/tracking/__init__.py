"""Tracking of boxes over time, shared by faces and persons: no appearance, no identity."""

"""Tracking of boxes over time, shared by faces and persons: no appearance, no identity.

A leaf that needs numpy and scipy alone: the edge runs it, and `models evaluate persons` measures the very same.
"""

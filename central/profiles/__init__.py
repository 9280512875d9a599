"""Customers and what they allowed to be known."""

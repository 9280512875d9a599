"""Stores, products and where labels hang."""

"""Baskets built in the shop, kept in the customer's account."""

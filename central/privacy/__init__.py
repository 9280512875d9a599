"""Consents, templates, audit, retention."""

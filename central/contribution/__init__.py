"""Whose work a sale is: an open formula over evidence, every number opened down to what was done when."""

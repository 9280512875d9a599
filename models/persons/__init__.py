"""Person detection. Imports no face module."""

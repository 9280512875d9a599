"""Commands on their way to nodes."""

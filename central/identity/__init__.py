"""Which identifiers belong to which customer, on what evidence, and how a link is undone."""

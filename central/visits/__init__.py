"""Who is in the store, on what evidence."""

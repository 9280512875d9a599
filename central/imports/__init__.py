"""Store data from one JSON file."""

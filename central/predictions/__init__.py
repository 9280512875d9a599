"""What a customer may buy next, and when again, from what everybody bought before."""

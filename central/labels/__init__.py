"""What each shelf label may show."""

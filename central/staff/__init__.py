"""Staff accounts, sessions and machine tokens."""

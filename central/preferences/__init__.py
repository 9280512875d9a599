"""What customers thought of what they tried, what that says about their taste, and search relative to it."""

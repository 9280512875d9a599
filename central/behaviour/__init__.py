"""What customers do on the site and in the app, and what it says about their interests."""

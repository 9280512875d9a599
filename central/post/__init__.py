"""Short messages to a person's own e-mail address or phone: the one-time codes of the customer's page."""

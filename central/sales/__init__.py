"""What was bought, in a shop or on the site: the end of every story contribution and prediction tell."""

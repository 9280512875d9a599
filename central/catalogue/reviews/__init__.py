"""What the retailer's customers wrote of products on its site: taken in from a feed, shown on the customer's page."""

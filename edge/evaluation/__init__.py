"""What the edge decides, compared with what really happened: for development and acceptance of a store."""

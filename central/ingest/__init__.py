"""What nodes report: committed once, answered with receipts."""

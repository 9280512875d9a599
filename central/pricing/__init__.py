"""Personal prices, their guard rails and the price ledger."""

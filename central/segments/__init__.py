"""Kinds of customers by rules a retailer writes: active, omnichannel, core, new, lapsed, or their own."""

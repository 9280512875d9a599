"""The durable outbox (invariant 1): events are committed before anyone acts on them and leave on central's receipt.

`store` is the SQLite file, `writer` the thread that commits in groups, `draft` an event not yet numbered.
"""

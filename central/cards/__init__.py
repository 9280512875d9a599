"""The consultant's card of one visit: all that the customer allows to be known, and what to do with it."""

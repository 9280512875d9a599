"""The store as a whole: tracks of all cameras as one set of people on the plan. Anonymous, and without appearance."""

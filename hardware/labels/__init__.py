"""Electronic shelf labels: `base` has the Protocol, `options` the configuration of each driver."""

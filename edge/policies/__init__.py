"""Region profiles: one YAML file per region, data and not code."""

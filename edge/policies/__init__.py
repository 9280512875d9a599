"""Region profiles: one YAML file per region, data and not code. Each is signed (edge.regions)."""

PROJECT_KEY = "G0X+jDhAbZ177HUgpJQ72ywRRA9kqtfNAEet7FUzO1M="
"""Public half (Ed25519, raw, base64) of the key the profiles here are signed with; see docs/decisions/0007."""

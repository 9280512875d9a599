"""The label gateway: it owns what the shelf labels of this node show. `gateway` is the file to read first."""

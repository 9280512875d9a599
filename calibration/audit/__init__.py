"""A person counts a stretch of video; what the node said about the same stretch is compared with it."""

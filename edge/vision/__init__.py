"""Faces: quality, best shots, decisions. Nothing here is imported when the policy is `qr_only`."""

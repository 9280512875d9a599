"""Turning pixels into metres: floor homography from points an installer measured."""

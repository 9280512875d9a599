"""Nodes, their keys and their health."""

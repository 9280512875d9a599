"""Drivers behind narrow Protocols: cameras, QR scanners, shelf labels. Each real driver sits beside its simulation.

Importing this package loads pydantic at most; OpenCV, pyserial, httpx and the rest load when a driver is created.
"""

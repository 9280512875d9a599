"""Match thresholds that a store's own strangers have earned: tail fit, certificate, report.

`records` and `certificate` need no numerical package: the edge writes the one and reads the other.
"""

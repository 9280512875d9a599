"""Cameras: `base` has the Protocol, `thread` keeps one alive, `options` the configuration of each driver."""

"""The node's configuration: one YAML file, strict, with the line of every mistake."""

from __future__ import annotations

from edge.config.load import load_config, parse_config
from edge.config.model import EdgeConfig
from edge.config.problems import ConfigError, Problem

__all__ = ["ConfigError", "EdgeConfig", "Problem", "load_config", "parse_config"]

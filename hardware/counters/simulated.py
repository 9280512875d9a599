"""A Profile M camera in memory: it counts what it is told went over its lines, and says it as cameras do.

`dialect` is how: "spec" by the book, "numbers" with bare numbers, "items" with SimpleItem lists and prefixes, "silent"
without time and rule (only the topic names it).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Dialect = Literal["spec", "numbers", "items", "silent"]
Message = tuple[str, bytes]


@dataclass(slots=True)
class SimulatedCounter:
    """One camera. `wraps_at`: its counters begin again at 0 there. What it has said last is sent again by `again`."""

    prefix: str = "cameras/door"
    dialect: Dialect = "spec"
    wraps_at: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    _last: Message | None = None

    def walk(self, rule: str, at: datetime, people: int = 1) -> Message:
        """So many people over the line of a rule."""
        self.counts[rule] = self.counts.get(rule, 0) + people
        if self.wraps_at is not None:
            self.counts[rule] %= self.wraps_at
        return self.say(rule, at)

    def reset(self) -> None:
        """As at midnight, or after a power cut."""
        self.counts = dict.fromkeys(self.counts, 0)

    def again(self) -> Message:
        """The last message once more: MQTT may deliver twice."""
        if self._last is None:
            raise ValueError("nothing was said yet")
        return self._last

    def say(self, rule: str, at: datetime) -> Message:
        """The present count."""
        count, time = self.counts.get(rule, 0), at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        body: dict[str, object]
        space, source = "", {"VideoSource": "1", "AnalyticsConfiguration": "2", "Rule": rule}
        match self.dialect:
            case "spec":
                body = {"UtcTime": time, "Source": source, "Data": {"Count": str(count)}}
            case "numbers":
                body = {"UtcTime": time, "Source": source, "Data": {"Count": count}}
            case "silent":
                body = {"Data": {"count": count}}
            case "items":
                space = "tns1:"
                body = {
                    "tt:Message": {
                        "UtcTime": time,
                        "tt:Source": {"SimpleItem": [{"Name": key, "Value": text} for key, text in source.items()]},
                        "tt:Data": {"SimpleItem": {"Name": "Count", "Value": str(count)}},
                    }
                }
        topic = f"{self.prefix}/onvif-ej/{space}RuleEngine/CountAggregation/Counter/&1/2/{rule}"
        self._last = topic, json.dumps(body).encode()
        return self._last

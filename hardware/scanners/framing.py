"""Bytes of a serial scanner into lines. Pure: state in, state out."""

from __future__ import annotations

from dataclasses import dataclass, replace

# Start and end of text: some scanners frame with them around the line.
_FRAMING = "\x02\x03"


@dataclass(frozen=True, slots=True)
class Line:
    """One complete line; text is None when it was garbage (not decodable, control characters, too long)."""

    text: str | None


@dataclass(frozen=True, slots=True)
class LineFramer:
    """Collects bytes up to CR or LF. A pause longer than `gap_s` inside a code means its rest was lost."""

    encoding: str = "utf-8"
    gap_s: float = 0.5
    max_length: int = 4096
    pending: bytes = b""
    last_at: float = 0.0
    overflow: bool = False

    def step(self, data: bytes, now: float) -> tuple[LineFramer, tuple[Line, ...]]:
        """Take the bytes that came at `now` (monotonic seconds); empty data lets a half code grow stale."""
        lines: list[Line] = []
        pending, overflow = self.pending, self.overflow
        if (pending or overflow) and now - self.last_at > self.gap_s:
            lines.append(Line(None))
            pending, overflow = b"", False
        if not data:
            return replace(self, pending=pending, overflow=overflow), tuple(lines)
        *complete, rest = (pending + data).replace(b"\r", b"\n").split(b"\n")
        for raw in complete:
            if raw or overflow:
                lines.append(Line(None if overflow else self._text(raw)))
            overflow = False
        if len(rest) > self.max_length:
            rest, overflow = b"", True
        return replace(self, pending=rest, last_at=now, overflow=overflow), tuple(lines)

    def _text(self, raw: bytes) -> str | None:
        if len(raw) > self.max_length:
            return None
        try:
            text = raw.decode(self.encoding).strip(_FRAMING).strip()
        except UnicodeDecodeError:
            return None
        # GS (0x1d) separates fields in GS1 codes and is wanted; other control characters mean line noise.
        return text if text and all(character.isprintable() or character == "\x1d" for character in text) else None

"""multipart/form-data as the access point's small web server reads it, quirks included. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Form:
    """Text fields that came before the first file, and that file."""

    fields: dict[str, str] = field(default_factory=dict)
    file: bytes | None = None


def read_form(body: bytes, content_type: str) -> Form:
    """A part with a Content-Type is a file, whatever its name; fields after the file are read too late to count."""
    boundary = _parameter(content_type, "boundary")
    fields: dict[str, str] = {}
    if not boundary:
        return Form()
    for part in body.split(b"--" + boundary.encode("latin-1")):
        head, separator, content = part.partition(b"\r\n\r\n")
        if not separator:
            continue
        headers = head.decode("latin-1").lower()
        content = content.removesuffix(b"\r\n")
        if "content-type:" in headers:
            return Form(fields, content)
        name = _parameter(head.decode("latin-1"), "name")
        fields[name] = content.decode("utf-8", "replace")
    return Form(fields)


def _parameter(text: str, name: str) -> str:
    _, found, rest = text.partition(f"{name}=")
    if not found:
        return ""
    return rest[1:].partition('"')[0] if rest.startswith('"') else rest.partition(";")[0].partition("\r")[0].strip()

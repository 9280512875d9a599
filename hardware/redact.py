"""Keeps credentials out of messages and logs."""

from __future__ import annotations

import re

# Greedy up to the last @, because cameras' passwords hold unescaped @ and /: hiding too much is the safe error.
_USERINFO = re.compile(r"(?<=://)[^\s'\"<>]*@")
_SECRET_PARAMETER = re.compile(
    r"([?&;](?:\w*(?:pass|pwd|secret|token|auth|key)\w*|user|usr|login)=)[^&;\s'\"<>]*", re.IGNORECASE
)


def redact(text: str) -> str:
    """`text` with user names and passwords in URLs replaced by ***."""
    return _SECRET_PARAMETER.sub(r"\1***", _USERINFO.sub("***@", text))

"""JSON as RFC 8259 has it, which Python's own reader extends by NaN and infinities."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def loads(text: str | bytes) -> Any:
    """The value; raises `ValueError`, and `RecursionError` for what is nested too deeply."""
    return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON (RFC 8259, 6)")


decoded = json.JSONDecoder(parse_constant=_refuse).decode  # the same of a string, a little faster

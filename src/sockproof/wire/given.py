"""What a user gives a client to be let in with, as it is typed: header fields, and JSON."""

from __future__ import annotations

import json
from typing import Any

from sockproof.wire.http import is_token


def header_field(line: str) -> tuple[str, str]:
    """A field of `--header`; raises `ValueError`, which shows nothing of what may be secret."""
    name, colon, value = line.partition(":")
    if not colon or not is_token(name.strip()):
        raise ValueError(f"--header must be 'NAME: VALUE', not {len(line)} other characters")
    return name.strip(), value.strip()


def auth_payload(text: str) -> Any:
    """The value of `--auth`; raises `ValueError`."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("--auth is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"--auth is not JSON: {error}") from None

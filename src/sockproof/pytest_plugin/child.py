"""The process in which cases and load run: arguments as JSON come in, what came of it goes out."""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec

import sockproof
from sockproof.errors import NotJudged, WrongInput


def main() -> None:
    """Call `judge` or `load` with what stands on the standard input."""
    asked: dict[str, Any] = json.load(sys.stdin)
    function = sockproof.judge if asked["call"] == "judge" else sockproof.load
    try:
        answer: dict[str, Any] = {"found": function(**asked["arguments"])}
    except (NotJudged, WrongInput) as error:
        answer = {"error": str(error)}
    sys.stdout.buffer.write(msgspec.json.encode(answer))


if __name__ == "__main__":
    main()

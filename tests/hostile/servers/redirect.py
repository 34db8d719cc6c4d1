"""Leads elsewhere, for ever or to nowhere good."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("head",)
OVER = {
    "itself": "http://{here}/",
    "file": "file:///etc/passwd",
    "relative": "/////",
    "controls": "http://\x1b[31m{here}/",
    "long": "http://{here}/" + "a" * 50_000,
}


def misbehave(wire: Wire, what: Any) -> None:
    assert wire.request_now is not None
    here = wire.request_now.get("Host")
    wire.answer(["HTTP/1.1 302 Found", f"Location: {what.format(here=here)}", "Content-Length: 0"])

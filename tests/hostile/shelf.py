"""The misbehaviours of the shelf, one for each stage and parameter."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Where a misbehaviour begins, in the order in which a connection comes there.
STAGES = ("tcp", "tls", "head", "body", "frames", "engineio", "socketio", "messages")
TRANSPORTS = {"body": "polling", "frames": "websocket"}  # what only one of them has


@dataclass(frozen=True, slots=True)
class Hostile:
    """One hostile server: `name` is that of its file, its stage and its parameter."""

    name: str
    does: str
    stage: str
    misbehave: Callable[..., None]
    parameter: Any
    plain: bool  # on a WebSocket without Engine.IO
    harmless: bool  # whether an honest run may come of it
    breaks: tuple[str, ...]  # what a load run may say of it beside what every disturbance breaks
    deflate: bool  # whether it agrees to permessage-deflate, which load runs then offer
    unseen: bool  # whether the cases that are run do not look at it

    @property
    def tls(self) -> bool:
        """Whether it is spoken to over TLS."""
        return self.stage == "tls"

    @property
    def transports(self) -> tuple[str, ...]:
        """Those of Socket.IO on which it can occur; none where it is a plain WebSocket."""
        if self.plain:
            return ("plain",)
        one = TRANSPORTS.get(self.stage)
        return (one,) if one else ("websocket", "polling")


def load() -> dict[str, Hostile]:
    """All of them by name."""
    found = {}
    for path in sorted((Path(__file__).parent / "servers").glob("*.py")):
        if path.stem == "__init__":
            continue
        module = importlib.import_module(f"tests.hostile.servers.{path.stem}")
        does = (module.__doc__ or "").strip().splitlines()[0]
        for stage in module.STAGES:
            for name, parameter in getattr(module, "OVER", {"": None}).items():
                full = f"{path.stem}[{stage}{',' if name else ''}{name}]"
                found[full] = Hostile(
                    full, does, stage, module.misbehave, parameter,
                    getattr(module, "PLAIN", stage in ("frames", "messages")),
                    full in getattr(module, "HARMLESS", ()),
                    getattr(module, "BREAKS", ()),
                    getattr(module, "DEFLATE", False),
                    full in getattr(module, "UNSEEN", ()),
                )  # fmt: skip
    return found

"""sockproof tells whether a WebSocket or Socket.IO server is right and how far it carries.

`sockproof.judge(url)` judges a server as `sockproof conformance` does, and returns the report;
`sockproof.load(scenario, url)` loads one as `sockproof load` does, and returns the summary. What
they need is imported when they are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["__version__", "judge", "load"]

__version__ = "0.1.0"

if TYPE_CHECKING:
    from sockproof.api.judge import judge
    from sockproof.api.load import load
else:

    def __getattr__(name: str) -> Any:
        from importlib import import_module

        if name == "judge":
            return import_module("sockproof.api.judge").judge
        if name == "load":
            return import_module("sockproof.load")  # the room can be called, see there
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

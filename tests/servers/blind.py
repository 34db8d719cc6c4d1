"""All blind faults; importing this registers them."""

from __future__ import annotations

import importlib
from pathlib import Path

from tests.servers.blind_weaving import ROUND, woven

for _path in sorted(Path(__file__).parent.glob("blind_*.py")):
    importlib.import_module(f"tests.servers.{_path.stem}")

__all__ = ["ROUND", "woven"]

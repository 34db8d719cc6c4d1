"""The words of a `target.toml` with their placeholders filled in."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from sockproof.targets.certificates import Certificates
from sockproof.targets.spec import TargetError, TargetSpec


def command(
    spec: TargetSpec, parts: Sequence[str], certificates: Certificates | None = None, **more: int
) -> list[str]:
    """`parts` of the target's file with their placeholders filled in."""
    values: dict[str, object] = {
        "python": sys.executable,
        "folder": spec.folder,
        "home": spec.home,
        "fixtures": Path(__file__).parents[1] / "fixtures",
        **more,
    }
    if certificates is not None:
        values |= {"certificate": certificates.chain, "key": certificates.key}
    try:
        return [part.format(**values) for part in parts]
    except (KeyError, IndexError, ValueError) as error:
        raise TargetError(f"{spec.folder}: {error!r} cannot be filled in") from None


def environment(spec: TargetSpec) -> dict[str, str]:
    """The environment of what a target starts: node finds the packages of its cache folder."""
    return {**os.environ, "NODE_PATH": str(spec.home / "node_modules")}


def url_of(spec: TargetSpec, port: int, tls: bool) -> str:
    """Where a target is asked, once it runs on this port."""
    url = spec.url.format(port=port)
    return re.sub(r"^(ws|http)://", r"\1s://", url) if tls else url

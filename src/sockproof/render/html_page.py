"""How every HTML page of ours is written: escaped, strict, with one shape for each outcome."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import jinja2
from markupsafe import Markup

from sockproof.render.text import number

# A word and a shape besides the colour, so that paper and every eye can tell them apart.
SHAPES = {
    "PASS": "✓",
    "NON_STRICT": "≈",
    "FAIL": "✕",
    "UNSUPPORTED": "–",
    "INCONCLUSIVE": "?",
}


def environment(template: Path) -> jinja2.Environment:
    """Jinja as every page of ours is written with: escaping, strict, with shapes and numbers."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["shapes"] = SHAPES
    environment.globals["number"] = number
    environment.globals["verbatim"] = lambda name: _verbatim(template.parent / name)
    environment.filters["sha256"] = _sha256
    return environment


def _verbatim(path: Path) -> Markup:
    """A file of the shelf as it is: none of it is Jinja's."""
    return Markup(path.read_text(encoding="utf-8"))  # noqa: S704 (a file of the shelf)


def _sha256(text: object) -> str:
    return base64.b64encode(hashlib.sha256(str(text).encode()).digest()).decode()

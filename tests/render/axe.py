"""axe-core, from npm: what it finds wrong with a page for those who read it otherwise."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.render.browser import Page
from tests.waiting import LIMIT

VERSION = "4.14.1"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sockproof-tests"


def source() -> str:
    """The script, fetched once."""
    kept = _CACHE / f"axe-core-{VERSION}.js"
    if not kept.exists():
        npm = shutil.which("npm")
        if npm is None:
            if os.environ.get("SOCKPROOF_REQUIRE_TARGETS"):
                pytest.fail("there is no npm")
            pytest.skip("there is no npm")
        _CACHE.mkdir(parents=True, exist_ok=True)
        own = _CACHE / f"axe-{os.getpid()}"
        own.mkdir(exist_ok=True)
        command = [npm, "pack", "--silent", f"axe-core@{VERSION}", "--pack-destination", str(own)]
        subprocess.run(command, check=True, capture_output=True, timeout=LIMIT)
        with tarfile.open(next(own.glob("*.tgz"))) as packed:
            script = packed.extractfile("package/axe.min.js")
            assert script is not None
            (own / kept.name).write_bytes(script.read())
        (own / kept.name).replace(kept)
        shutil.rmtree(own)
    return kept.read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """A line for each rule that the page breaks."""
    page.call("Runtime.evaluate", expression=source())
    page.call("Runtime.evaluate", expression="axe.run().then((r) => { window.found = r; })")
    page.until("!!window.found")
    told = "found.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes[0].html.slice(0, 200)}`)"
    found: list[str] = json.loads(page.ask(f"JSON.stringify({told})"))
    return found

"""The pictures of the documentation: reports of real runs.

`python -m tests.pictures` makes them anew, with a headless browser: that of the README, by Tornado,
and those of `docs/reading-reports.md`, with numbers beside their parts, by the server of the quick
start and a load run.
"""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from sockproof.targets.launch import free_port, launch
from sockproof.targets.spec import load_targets
from tests.render.browser import shown
from tests.test_quick_start import PORT, blocks

DOCS = Path(__file__).parents[1] / "docs"
SOCKPROOF = [sys.executable, "-m", "sockproof"]
# What a number stands beside, in the order of the page's list.
CONFORMANCE = [
    *(".verdict", ".chips", "#wrong li", "#wrong dt"),
    *("#wrong dt:nth-of-type(3)", "#wrong dt:nth-of-type(4)"),
]
LOAD = [".verdict", ".about", ".about + *", "#deliveries table"]
_MARK = """
(() => {
  document.body.style.paddingLeft = "36px";
  for (const each of document.querySelectorAll(".about div"))
    if (each.textContent.includes("machine")) each.remove();
  %s.forEach((where, at) => {
    const box = document.querySelector(where).getBoundingClientRect();
    const mark = document.createElement("b");
    mark.textContent = at + 1;
    mark.style.cssText = "position:absolute;width:28px;height:28px;border-radius:50%%;left:12px;"
      + "background:#0b57a4;color:#fff;font:700 16px/28px sans-serif;text-align:center;top:"
      + (box.top + scrollY) + "px";
    document.body.append(mark);
  });
})()
"""


def main() -> int:
    """Make all of them."""
    with tempfile.TemporaryDirectory(prefix="sockproof-pictures-") as name:
        folder = Path(name)
        picture(tornado(folder), [], DOCS / "report.png", folder, 1200)
        picture(conformance(folder), CONFORMANCE, DOCS / "report-conformance.png", folder)
        picture(load(folder), LOAD, DOCS / "report-load.png", folder)
    return 0


def tornado(folder: Path) -> Path:
    """A report of Tornado, of which nothing is known."""
    page = folder / "tornado.html"
    with launch(load_targets(DOCS.parent / "targets")["tornado"]) as target:
        command = [*SOCKPROOF, "conformance", target.url, "--html", str(page)]
        subprocess.run(command, check=False, capture_output=True)
    return page


def conformance(folder: Path) -> Path:
    """A report of the server of the quick start."""
    port = free_port()
    server = folder / "server.py"
    server.write_text(blocks("python")[0].replace(PORT, str(port)))
    with subprocess.Popen([sys.executable, str(server)], stderr=subprocess.DEVNULL) as process:
        try:
            time.sleep(3)
            page = folder / "conformance.html"
            url = f"ws://127.0.0.1:{port}/"
            command = [*SOCKPROOF, "conformance", url, "--case", "websocket/messages/*"]
            subprocess.run([*command, "--html", str(page)], check=False, capture_output=True)
        finally:
            process.kill()
    return page


def load(folder: Path) -> Path:
    """A report of a short load run."""
    command = [*SOCKPROOF, "load", "chat_rooms", "--users", "20", "--run-time", "8s"]
    subprocess.run(
        [*command, "--results", str(folder / "results")], check=False, capture_output=True
    )
    return folder / "results" / "latest-load" / "report.html"


def picture(page: Path, places: list[str], out: Path, folder: Path, width: int = 1000) -> None:
    """The top of a page, with numbers where they are wanted, in few colours."""
    home = folder / f"browser-{out.stem}"
    with shown(page, home) as opened:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        opened.call("Emulation.setDeviceMetricsOverride", **size)
        opened.ask("document.documentElement.style.scrollbarWidth = 'none'")
        if places:
            opened.ask(_MARK % json.dumps(places))
        shot = opened.call("Page.captureScreenshot", format="png")["data"]
    image = Image.open(io.BytesIO(base64.b64decode(shot))).convert("RGB")
    image.quantize(64).save(out, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
